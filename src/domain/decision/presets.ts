import type { JsonObject } from "../json.ts";

/** Drawdowns are written as −0.15 by this service and as 0.15 by others: both mean 15 %. */
function drawdownWithin(size: number): JsonObject {
  return { metric: "max_drawdown", min: -size, max: size };
}

/**
 * Ready-made policies, in the form in which callers write their own. `{"preset": "moderate"}` names one; whatever stands
 * beside the name replaces that part of it.
 */
export const POLICY_PRESETS: ReadonlyMap<string, JsonObject> = new Map<string, JsonObject>([
  ["sandbox", { top_k: { metric: "sharpe", k: 10 } }],
  [
    "conservative",
    {
      thresholds: {
        sharpe: { metric: "sharpe", min: 1.0 },
        max_drawdown: drawdownWithin(0.15),
        win_rate: { metric: "win_rate", min: 0.55 },
        profit_factor: { metric: "profit_factor", min: 1.5 },
      },
      top_k: { metric: "sharpe", k: 3 },
      correlation: { max: 0.5 },
      hysteresis: { metric: "sharpe", enter: 1.0, exit: 0.8 },
    },
  ],
  [
    "moderate",
    {
      thresholds: {
        sharpe: { metric: "sharpe", min: 0.7 },
        max_drawdown: drawdownWithin(0.25),
        win_rate: { metric: "win_rate", min: 0.5 },
        profit_factor: { metric: "profit_factor", min: 1.2 },
      },
      top_k: { metric: "sharpe", k: 5 },
      correlation: { max: 0.7 },
      hysteresis: { metric: "sharpe", enter: 0.7, exit: 0.5 },
    },
  ],
  [
    "aggressive",
    {
      thresholds: {
        sharpe: { metric: "sharpe", min: 0.5 },
        max_drawdown: drawdownWithin(0.4),
        profit_factor: { metric: "profit_factor", min: 1.0 },
      },
      top_k: { metric: "sharpe", k: 8 },
      correlation: { max: 0.85 },
      hysteresis: { metric: "sharpe", enter: 0.5, exit: 0.3 },
    },
  ],
]);
