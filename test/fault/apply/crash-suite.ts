/**
 * Kills and stops real servers at every transition of the two-phase apply, on one Redis, while two healthy replicas
 * look on: whoever crashes when, no world is left half-switched and every apply comes to rest.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, createClient } from "@connectrpc/connect";
import { ActivationService, ActivationSide, ApplyStage } from "#gen/worldservice/v1/activation_service_pb.ts";
import { DecisionService } from "#gen/worldservice/v1/decision_service_pb.ts";
import { WorldService } from "#gen/worldservice/v1/world_service_pb.ts";
import { randomOf } from "../../integration/sqlite/support.ts";
import { startRedis } from "../../support/redis.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { CLEAN, type Expected, judge, type Verdict } from "./judge.ts";
import { haltingRunId } from "./messages.ts";
import { type Spare, spawnSpare, type Victim } from "./victim.ts";

export interface CrashOptions {
  /** Drivers to crash, at least; every round crashes one at each transition. */
  readonly kills: number;
  readonly seed: number;
}

export interface CrashReport extends Verdict {
  readonly seed: number;
  /** Drivers that stood at their transition when their process was killed or stopped. */
  readonly crashes: number;
  readonly processes: { readonly killed: number; readonly stopped: number };
  /** Applies that did not come to rest in time. */
  readonly unfinished: number;
  /** Longest time from a crash to rest, in milliseconds. */
  readonly slowestMs: number;
  /** Applies by the stage they came to rest in. */
  readonly rest: ReadonlyMap<string, number>;
  /** Things seen beside the history: stopped drivers that still changed something, freezes that were kept waiting. */
  readonly surprises: readonly string[];
}

/** All transitions, each the commit that reaches this stage. */
const TRANSITIONS = [
  "REQUESTED",
  "FREEZING",
  "FROZEN",
  "SWITCHED",
  "UNFREEZING",
  "COMPLETED",
  "ROLLING_BACK",
  "ROLLED_BACK",
] as const;
const ROLLS_BACK: ReadonlySet<string> = new Set(["ROLLING_BACK", "ROLLED_BACK"]);

const LOCK_TTL_MS = 1_000;
/** An apply must have come to rest so long after the crash. */
const REST_LIMIT_MS = LOCK_TTL_MS + 5_000;
const HALT_LIMIT_MS = 10_000;
const AT_ONCE_MS = 1_000;

const RESTING: ReadonlySet<ApplyStage> = new Set([
  ApplyStage.COMPLETED,
  ApplyStage.ROLLED_BACK,
  ApplyStage.STUCK_FROZEN,
]);

const STAGE_NAMES = new Map<number, string>(Object.entries(ApplyStage).map(([name, stage]) => [stage, name]));

function nameOf(stage: ApplyStage): string {
  return STAGE_NAMES.get(stage) ?? `stage ${stage}`;
}

/** What happens around a crash, beside the crash. */
type Trouble = "none" | "freeze" | "retries" | "acks" | "acks-lost";
const TROUBLES: readonly Trouble[] = ["none", "freeze", "retries", "acks", "acks-lost"];

interface Patient extends Expected {
  readonly trouble: Trouble;
  readonly unfreezeOnRollback: boolean;
  /** Settles when the call that started the apply has. */
  call: Promise<unknown>;
}

type Activation = Client<typeof ActivationService>;

interface Ward {
  readonly survivors: readonly TestServer[];
  readonly clients: readonly Activation[];
  readonly random: () => number;
  readonly report: {
    -readonly [K in keyof CrashReport]: CrashReport[K];
  } & { surprises: string[]; rest: Map<string, number>; processes: { killed: number; stopped: number } };
}

/** Runs rounds until enough drivers have crashed, and judges the history of all of them at the end. */
export async function runApplyCrashSuite({ kills, seed }: CrashOptions): Promise<CrashReport> {
  const redis = await startRedis();
  const flags = { store: redis.url, book: "crash", lock_ttl: `${LOCK_TTL_MS}ms`, drain_timeout: "2s" };
  const survivors: TestServer[] = [];
  let spare: Spare = spawnSpare();
  try {
    for (let n = 0; n < 2; n += 1) survivors.push(await startServer(flags));
    const ward = openWard(survivors, seed);
    const patients: Patient[] = [];
    for (let round = 0; ward.report.crashes < kills; round += 1) {
      const victim = await spare.start({ ...flags, port: 0, admin_port: 0 });
      spare = spawnSpare();
      patients.push(...(await playRound(ward, victim, round)));
    }
    const opened = survivors[0]?.server.opened;
    if (opened === undefined) throw new Error("no survivor");
    return { ...ward.report, ...(await judge(opened, patients)) };
  } finally {
    await spare.discard();
    for (const survivor of survivors) await survivor.stop();
    await redis.stop();
  }
}

function openWard(survivors: readonly TestServer[], seed: number): Ward {
  return {
    survivors,
    clients: survivors.map(({ transport }) => createClient(ActivationService, transport)),
    random: randomOf(seed),
    report: {
      ...CLEAN,
      details: [],
      seed,
      crashes: 0,
      processes: { killed: 0, stopped: 0 },
      unfinished: 0,
      slowestMs: 0,
      rest: new Map(),
      surprises: [],
    },
  };
}

async function playRound(ward: Ward, victim: Victim, round: number): Promise<Patient[]> {
  try {
    const patients = await Promise.all(
      TRANSITIONS.map((stage, at) => admit(ward, victim, stage, round * TRANSITIONS.length + at)),
    );
    await halted(victim, patients);
    ward.report.crashes += patients.filter(({ runId }) => victim.halted.has(runId)).length;
    await (round % 2 === 0 ? killed(ward, victim, patients) : stopped(ward, victim, patients));
    return patients;
  } finally {
    victim.resume();
    await victim.kill();
  }
}

/** A world with an apply that will stand still at its transition. */
async function admit(ward: Ward, victim: Victim, stage: string, number: number): Promise<Patient> {
  const { random, survivors, clients } = ward;
  const worldId = `world-${number}`;
  const trouble = TROUBLES[Math.floor(random() * TROUBLES.length)] ?? "none";
  const roster = trouble.startsWith("acks") ? ["gate-1", "gate-2"] : [];
  const moment = random() < 0.5 ? "before" : "after";
  const runId = haltingRunId({ stage, moment, fails: ROLLS_BACK.has(stage) }, String(number));
  const [survivor] = survivors;
  const [activation] = clients;
  if (survivor === undefined || activation === undefined) throw new Error("no survivor");
  await createClient(WorldService, survivor.transport).createWorld({ world: { worldId, ackRoster: roster } });
  for (const strategyId of ["a", "b"]) {
    await activation.upsertActivation({ worldId, strategyId, side: ActivationSide.LONG, active: true });
  }
  await createClient(DecisionService, survivor.transport).setDecisions({ worldId, strategies: ["a", "b"] });
  const patient: Patient = {
    worldId,
    runId,
    previous: ["a", "b"],
    target: ["a", "c"],
    roster,
    trouble,
    unfreezeOnRollback: random() < 0.3,
    call: Promise.resolve(),
  };
  patient.call = startApply(createClient(ActivationService, victim.transport), patient);
  return patient;
}

async function startApply(activation: Activation, patient: Patient): Promise<unknown> {
  const { worldId, runId, unfreezeOnRollback } = patient;
  const value = { activate: ["c"], deactivate: ["b"] };
  const call = { worldId, runId, unfreezeOnRollback, target: { case: "plan", value } as const };
  const answer = await activation.applyWorld(call, { timeoutMs: 30_000 }).catch((error: unknown) => error);
  if (patient.trouble === "acks") await acknowledgeOften(activation, patient);
  return answer;
}

/** The roster's acknowledgements: late ones before, twice, strangers in between. Lost with their process, perhaps. */
async function acknowledgeOften(activation: Activation, { worldId }: Patient): Promise<void> {
  const { sequence } = await activation.listActivations({ worldId }).catch(() => ({ sequence: 0n }));
  const acks: readonly [subscriber: string, sequence: bigint][] = [
    ["stranger", sequence],
    ["gate-1", sequence - 1n],
    ["gate-1", sequence],
    ["gate-1", sequence],
    ["gate-2", sequence],
    ["gate-2", 1n],
  ];
  for (const [subscriber, at] of acks) {
    await activation.acknowledgeActivation({ worldId, subscriber, sequence: at }).catch(() => {});
  }
}

/** Until every driver stands at its transition, or its apply went another way (waits for acknowledgements). */
async function halted(victim: Victim, patients: readonly Patient[]): Promise<void> {
  const settled = new Set<string>();
  for (const { call, runId } of patients) void call.then(() => settled.add(runId));
  const deadline = performance.now() + HALT_LIMIT_MS;
  const isReady = ({ runId }: Patient) => victim.halted.has(runId) || settled.has(runId);
  while (!patients.every(isReady) && performance.now() < deadline) await sleep(5);
  await sleep(50); // an acknowledgement may just have set a driver going
}

async function killed(ward: Ward, victim: Victim, patients: readonly Patient[]): Promise<void> {
  await victim.kill();
  ward.report.processes.killed += 1;
  await comeToRest(ward, patients);
}

/** A stopped driver that goes on after others took over must find that it may not change anything any more. */
async function stopped(ward: Ward, victim: Victim, patients: readonly Patient[]): Promise<void> {
  victim.stop();
  ward.report.processes.stopped += 1;
  await comeToRest(ward, patients);
  const before = await Promise.all(patients.map((patient) => latestOf(ward, patient)));
  victim.resume();
  victim.go();
  await Promise.all(patients.map(({ call }) => call));
  const after = await Promise.all(patients.map((patient) => latestOf(ward, patient)));
  for (const [i, { worldId }] of patients.entries()) {
    // An apply that was not recorded yet is nobody else's: its driver may still begin it.
    if (before[i] !== undefined && before[i] !== after[i])
      ward.report.surprises.push(`${worldId}: ${before[i]} became ${after[i]}`);
  }
}

/** Undefined where the apply was never recorded. */
async function latestOf({ clients }: Ward, { worldId, runId }: Patient): Promise<string | undefined> {
  const isRecorded = await clients[0]?.getApply({ worldId, runId }).then(
    () => true,
    () => false,
  );
  const list = await clients[0]?.listActivations({ worldId });
  return isRecorded ? `${list?.stateHash} at ${list?.sequence}` : undefined;
}

async function comeToRest(ward: Ward, patients: readonly Patient[]): Promise<void> {
  const since = performance.now();
  await Promise.all(patients.map((patient) => disturb(ward, patient)));
  await Promise.all(patients.map((patient) => awaitRest(ward, patient, since)));
}

async function disturb(ward: Ward, patient: Patient): Promise<void> {
  const [first, second] = ward.clients;
  if (first === undefined || second === undefined) throw new Error("no survivors");
  const { worldId, trouble } = patient;
  if (trouble === "freeze") await freezeAtOnce(ward, first, worldId);
  if (trouble === "acks") void acknowledgeOften(second, patient);
  if (trouble !== "retries") return;
  for (const client of [first, second]) void startApply(client, patient);
}

/** A freeze takes effect at once, whoever holds the lock and however dead. */
async function freezeAtOnce(ward: Ward, client: Activation, worldId: string): Promise<void> {
  const since = performance.now();
  await client.freezeWorld({ worldId, reason: "test" });
  const took = performance.now() - since;
  const { frozen, activations } = await client.listActivations({ worldId });
  if (took > AT_ONCE_MS) ward.report.surprises.push(`${worldId}: the freeze took ${Math.round(took)} ms`);
  if (!frozen || activations.some((entry) => entry.active || !entry.freeze)) {
    ward.report.surprises.push(`${worldId}: not frozen after FreezeWorld`);
  }
}

async function awaitRest(ward: Ward, { worldId, runId }: Patient, since: number): Promise<void> {
  const { report, clients } = ward;
  for (;;) {
    const stage = await clients[1]?.getApply({ worldId, runId }).then(
      ({ apply }) => apply?.stage,
      () => undefined, // killed before it was recorded: there is no apply
    );
    const took = performance.now() - since;
    if (stage === undefined || RESTING.has(stage)) {
      const name = stage === undefined ? "never recorded" : nameOf(stage);
      report.rest.set(name, (report.rest.get(name) ?? 0) + 1);
      report.slowestMs = Math.max(report.slowestMs, Math.round(took));
      return;
    }
    if (took > REST_LIMIT_MS) {
      report.unfinished += 1;
      report.surprises.push(`${worldId} (${runId}) is still ${nameOf(stage)} after ${Math.round(took)} ms`);
      return;
    }
    await sleep(25);
  }
}
