import { readFile, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { becomeAnotherPerson } from "../../src/cli/demo/demo-learning.ts";
import type { DemoService } from "../../src/cli/demo/demo-service.ts";
import { packageRoot } from "../../src/core/built-file.ts";
import { AppError, isAppError } from "../../src/core/errors.ts";
import type { TurnReport } from "../../src/runtime/dialog/turn-report.ts";
import type { BenchContext } from "../report.ts";
import { withService } from "../service.ts";

/** The governor writes its account every 10 min. */
const GOVERNOR_WRITES_A_DAY = 144;
const QUESTIONS = [
  "is the garage door open",
  "turn on the kitchen lights",
  "is it cold outside",
  "close the front door",
];
const CORRECTED_TURNS = 32;
const JOB_MS = 120_000;
const BEGIN_ATTEMPTS = 60;
const BETWEEN_TURNS_MS = 1_500;
/** About what beginning a job takes; the first idle turn waits so long. */
const FIRST_PAUSE_MS = 4_000;

export interface AssistantDay {
  /** Time to the first token while a job exists over that of a turn after the same pause without one: one per pair. */
  readonly ratios: readonly number[];
  /** What the service and its trainer gave the disk of the state folder to write, bytes. */
  readonly writtenBytes: number;
}

/**
 * The real service on the virtual board through what a day may bring: turns, 32 of them corrected, the micro-updates and
 * full trainings that follow, and the governor's writes. Beside it, in pairs of turns: how soon the first token comes
 * without a training job, and with one that computed until the turn froze it. State lies on the disk of the checkout;
 * what a board keeps in memory lies in /dev/shm.
 */
export async function assistantDay({ log, signal }: BenchContext, pairs: number): Promise<AssistantDay> {
  const stateDir = `${packageRoot}build/bench-day-${process.pid}`;
  // The trainer goes on between two turns here, so that each turn has to stop it anew.
  const settings = [`paths.stateDir=${stateDir}`, "training.graceMs=0", "governor.graceMs=0", "governor.dwellMs=1000"];
  try {
    return await withService(
      settings,
      async (service) => {
        const first = await writtenBytes(service.pid);
        await becomeAnotherPerson(service);
        for (let turn = 0; turn < CORRECTED_TURNS; turn += 1) {
          await firstTokenMs(service, turn);
          await service.call("feedback", { kind: "correction", correction: `Aye, number ${turn} is done.` });
        }
        await jobEnds(service, await beginJob(service));
        log(`${CORRECTED_TURNS} corrected turns and a full training are over`);
        const ratios: number[] = [];
        // Both turns of a pair come after the same pause: the longer nobody spoke, the colder are caches and code.
        let pauseMs = FIRST_PAUSE_MS;
        for (let pair = 0; pair < pairs && !signal.aborted; pair += 1) {
          await sleep(pauseMs, undefined, { signal });
          await service.call("trainCancel", {}); // a micro-update may have begun by itself
          const idleMs = await firstTokenMs(service, CORRECTED_TURNS + 2 * pair);
          const saidMs = performance.now();
          await beginJob(service);
          await sleep(BETWEEN_TURNS_MS, undefined, { signal });
          pauseMs = performance.now() - saidMs;
          const besideJobMs = await firstTokenMs(service, CORRECTED_TURNS + 2 * pair + 1);
          await service.call("trainCancel", {});
          ratios.push(besideJobMs / idleMs);
          log(`first token after ${idleMs.toFixed(1)} ms, with a job after ${besideJobMs.toFixed(1)} ms`);
        }
        const last = await writtenBytes(service.pid);
        await service.call("governorMode", { mode: "quiet" });
        const governorBytes = ((await writtenBytes(service.pid)) - last) * GOVERNOR_WRITES_A_DAY;
        return { ratios, writtenBytes: last - first + governorBytes };
      },
      "/dev/shm",
    );
  } finally {
    await rm(stateDir, { recursive: true, force: true });
  }
}

/** A typed turn; ms from the finished prompt to the first token. Other words each time, so that each prompt is as new. */
async function firstTokenMs(service: DemoService, turn: number): Promise<number> {
  const text = `${QUESTIONS[turn % QUESTIONS.length]} number ${turn}`;
  const { stages } = (await service.call("say", { text, aloud: false })) as TurnReport;
  if (stages.llmFirstTokenMs === null) throw new AppError("E_INTERNAL", "a turn of the benchmark had no token");
  return stages.llmFirstTokenMs;
}

/** Resolves once a trainer computes, with where in the events that was. The governor grants none for a moment after a turn. */
async function beginJob(service: DemoService): Promise<number> {
  const from = service.position;
  for (let attempt = 0; ; attempt += 1) {
    try {
      await service.call("trainNow", {});
      break;
    } catch (error) {
      if (!isAppError(error, "E_TRAINING_INELIGIBLE") || attempt === BEGIN_ATTEMPTS) throw error;
      await service.call("trainCancel", {});
      await sleep(BETWEEN_TURNS_MS);
    }
  }
  await service.next(from, "a trainer at work", JOB_MS, ({ event, data }) => {
    return event === "job" && data.state === "training";
  });
  return from;
}

async function jobEnds(service: DemoService, from: number): Promise<void> {
  const over = ["active", "rejected", "failed"];
  await service.next(from, "the end of a training", 2 * JOB_MS, ({ event, data }) => {
    return event === "job" && data.kind === "full" && over.includes(String(data.state));
  });
}

/** What the process and its children that have ended gave the block layer. @see proc_pid_io(5), write_bytes */
async function writtenBytes(pid: number): Promise<number> {
  return Number(/^write_bytes: (\d+)$/m.exec(await readFile(`/proc/${pid}/io`, "utf8"))?.[1]);
}
