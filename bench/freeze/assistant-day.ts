import { readFile, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { becomeAnotherPerson, learnFromPerson } from "../../src/cli/demo/demo-learning.ts";
import type { DemoService } from "../../src/cli/demo/demo-service.ts";
import { packageRoot } from "../../src/core/built-file.ts";
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
const JOB_MS = 60_000;
const BETWEEN_TURNS_MS = 1_500;

export interface AssistantDay {
  /** To the first token with no training job, ms, one per turn: before the job and after it. */
  readonly idleMs: readonly number[];
  /** The same while a job exists and stands frozen for the turn, ms. Empty: none could be begun. */
  readonly besideJobMs: readonly number[];
  /** What the service and its trainer gave the disk of the state folder to write, bytes. */
  readonly writtenBytes: number;
  readonly turns: number;
}

/**
 * The real service on the virtual board through what a day may bring: turns, 32 of them corrected, the micro-updates and
 * the full trainings that follow, and the governor's writes. Beside it: how soon the first token comes with and without
 * a training job. State lies on the disk of the checkout; what a board keeps in memory lies in /dev/shm.
 */
export async function assistantDay({ log, signal }: BenchContext, samples: number): Promise<AssistantDay> {
  const stateDir = `${packageRoot}build/bench-day-${process.pid}`;
  // The trainer goes on between two turns here, so that each turn has to stop it anew.
  const settings = [`paths.stateDir=${stateDir}`, "training.graceMs=0", "governor.graceMs=0", "governor.dwellMs=1000"];
  try {
    return await withService(
      settings,
      async (service) => {
        const first = await writtenBytes(service.pid);
        await becomeAnotherPerson(service);
        await learnFromPerson(service);
        log("learned from 32 corrected turns");
        const idleMs = await firstTokens(service, samples, signal);
        const hasJob = await beginJob(service);
        const besideJobMs = hasJob ? await firstTokens(service, samples, signal) : [];
        await service.call("trainCancel", {});
        idleMs.push(...(await firstTokens(service, samples, signal)));
        const last = await writtenBytes(service.pid);
        await service.call("governorMode", { mode: "quiet" });
        const governorBytes = ((await writtenBytes(service.pid)) - last) * GOVERNOR_WRITES_A_DAY;
        return { idleMs, besideJobMs, writtenBytes: last - first + governorBytes, turns: 32 + 3 * samples };
      },
      "/dev/shm",
    );
  } finally {
    await rm(stateDir, { recursive: true, force: true });
  }
}

/** Typed turns, one after the other; ms from the finished prompt to the first token. */
async function firstTokens(service: DemoService, count: number, signal: AbortSignal): Promise<number[]> {
  const times: number[] = [];
  for (let turn = 0; turn < count && !signal.aborted; turn += 1) {
    // Another request each time, as far apart in every block, so that each block reuses as much of the last prompt.
    await sleep(BETWEEN_TURNS_MS, undefined, { signal });
    const text = `${QUESTIONS[turn % QUESTIONS.length]} number ${turn}`;
    const report = (await service.call("say", { text, aloud: false })) as TurnReport;
    const { llmFirstTokenMs } = report.stages;
    if (llmFirstTokenMs !== null) times.push(llmFirstTokenMs);
  }
  return times;
}

/** True once a trainer has computed; false when the governor of this machine grants none in time. */
async function beginJob(service: DemoService): Promise<boolean> {
  const from = service.position;
  try {
    await service.call("trainNow", {});
    await service.next(from, "a training job at work", JOB_MS, ({ event, data }) => {
      return event === "job" && data.state === "training";
    });
    return true;
  } catch {
    return false;
  }
}

/** What the process and its children that have ended gave the block layer. @see proc_pid_io(5), write_bytes */
async function writtenBytes(pid: number): Promise<number> {
  return Number(/^write_bytes: (\d+)$/m.exec(await readFile(`/proc/${pid}/io`, "utf8"))?.[1]);
}
