export { columnsFromRows } from "./columns.ts";
export { aggregateGlobalDeltas, type NetResult } from "./global.ts";
export { roundToLot, wholeLots } from "./lots.ts";
export { planRebalance } from "./plan.ts";
export { type SplitInput, type StrategySplit, splitWorldPlan, splitWorldPlans } from "./split.ts";
export * from "./types.ts";
export { assertFinite, planChecked, validateRebalance } from "./validate.ts";
export type { PositionSource } from "./validate-positions.ts";
