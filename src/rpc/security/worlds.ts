/** How to find the worlds that a request names: in every place where it can name one. */
import type { EvaluateRequest, EvaluationInput } from "#gen/worldservice/v1/decision_service_pb.ts";
import type { PositionCarrier } from "../wire/positions.ts";
import { positionsOf } from "../wire/positions.ts";

type Named = readonly { readonly worldId: string }[];

/** Worlds that a rebalance or an upsert names: shares, strategies, positions, instruments, series, etags. */
export function worldsOfCarrier(message: PositionCarrier, path = ""): string[] {
  const { strategyAllocBeforeTotal, strategyAllocAfterTotal } = message;
  return [
    ...keys(shares(message)),
    ...Object.keys(strategyAllocBeforeTotal),
    ...Object.keys(strategyAllocAfterTotal),
    ...positionsOf(message, path).columns.worlds,
    ...overlayWorlds(message),
    ...("alphaSeries" in message ? worldsOfSeries(message.alphaSeries) : []),
  ];
}

/** The same for a request that may lack its rebalance. */
export function worldsOfRebalance({ rebalance }: { rebalance?: PositionCarrier | undefined }): string[] {
  return rebalance === undefined ? [] : worldsOfCarrier(rebalance, "rebalance");
}

/** Series without a world are of the call's own. */
export function worldsOfSeries(series: Named): string[] {
  return [...new Set(series.map(({ worldId }) => worldId).filter((worldId) => worldId !== ""))];
}

export function worldsOfEvaluation(message: EvaluateRequest): string[] {
  return [message.worldId, ...worldsOfSeries(message.series)];
}

export function worldsOfInput(input: EvaluationInput | undefined): string[] {
  return worldsOfSeries(input?.series ?? []);
}

function shares(message: PositionCarrier): readonly Readonly<Record<string, unknown>>[] {
  return "worldAllocations" in message
    ? [message.worldAllocations, message.etagByWorld]
    : [message.worldAllocBefore, message.worldAllocAfter];
}

function keys(records: readonly Readonly<Record<string, unknown>>[]): string[] {
  return records.flatMap((record) => Object.keys(record));
}

function overlayWorlds(message: PositionCarrier): string[] {
  if (!("mode" in message)) return [];
  const { mode } = message;
  const overlay =
    mode.case === "hybrid" ? mode.value.overlay : mode.case === "overlay" ? mode.value : undefined;
  return Object.keys(overlay?.instrumentByWorld ?? {});
}
