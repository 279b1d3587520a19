import { DomainError } from "../errors.ts";
import type { OverlayConfig, Ratios } from "./types.ts";

/** A world's instrument and its price in base currency, above 0. */
export interface OverlayInstrument {
  readonly symbol: string;
  readonly price: number;
}

/**
 * Finds the instrument of every world that has a ratio after, in that order, whether or not it holds anything.
 *
 * @param kind names the mode in the error of a missing configuration.
 * @param path proto path of the configuration (`rebalance.overlay`).
 * @throws DomainError OVERLAY_CONFIG_INVALID for the first thing that is missing or no price above 0.
 */
export function overlayInstruments(
  overlay: OverlayConfig | undefined,
  worldAfter: Ratios,
  kind: "overlay" | "hybrid",
  path: string,
): Map<string, OverlayInstrument> {
  if (overlay === undefined) throw refusal(path, `overlay config is required when mode='${kind}'`);
  const instruments = `${path}.instrument_by_world`;
  const prices = `${path}.price_by_symbol`;
  if (overlay.instrumentByWorld.size === 0) {
    throw refusal(instruments, "overlay.instrument_by_world is required for overlay mode");
  }
  if (overlay.priceBySymbol.size === 0) {
    throw refusal(prices, "overlay.price_by_symbol is required for overlay mode");
  }
  const found = new Map<string, OverlayInstrument>();
  for (const world of worldAfter.keys()) {
    const symbol = overlay.instrumentByWorld.get(world);
    if (symbol === undefined || symbol === "") {
      throw refusal(`${instruments}["${world}"]`, `overlay.instrument_by_world missing world '${world}'`);
    }
    found.set(world, { symbol, price: priceOf(overlay, symbol, `${prices}["${symbol}"]`) });
  }
  return found;
}

function priceOf(overlay: OverlayConfig, symbol: string, field: string): number {
  const price = overlay.priceBySymbol.get(symbol) ?? 0;
  if (price === 0) {
    throw refusal(field, `overlay.price_by_symbol missing or zero for instrument '${symbol}'`);
  }
  if (!(price > 0 && price < Infinity)) {
    throw refusal(field, `overlay.price_by_symbol must be finite and above 0 for instrument '${symbol}'`);
  }
  return price;
}

function refusal(field: string, message: string): DomainError {
  return new DomainError("OVERLAY_CONFIG_INVALID", message, {
    violations: [{ field, description: message }],
  });
}
