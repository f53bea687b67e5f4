import { readFile } from "node:fs/promises";
import { describe, expect, it, vi } from "vitest";
import { SignalFreezer } from "../../src/adapt/freezer.ts";
import type { TrainerEvent, TrainerJob, TrainerRunOptions } from "../../src/adapt/ports.ts";
import { writeTokenFile } from "../../src/adapt/token-file.ts";
import { TrainerProcess } from "../../src/adapt/trainer-process.ts";
import { packageRoot } from "../../src/core/built-file.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { SERVICE_ENVIRONMENT } from "../../src/core/service-launch.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";

const fixture = `${packageRoot}test/fixtures/trainer/child.mjs`;

/** A supervised run of a fixture child that misbehaves in `mode`, on a clock that only the test moves. */
async function supervise(
  folder: TempDir,
  mode: string,
  more: Partial<TrainerJob> = {},
  options: TrainerRunOptions = {},
) {
  const clock = new FakeClock();
  const births = folder.join("births");
  const data = folder.join("data.jsonl");
  await writeTokenFile(data, [{ id: "e1", kind: "ce", tokens: [1, 2, 3, 4], targets: [[2, 4]] }]);
  const trainer = new TrainerProcess({
    command: { file: process.execPath, args: [fixture, mode, births] },
    clock,
    logger: silentLogger,
    freezer: new SignalFreezer(),
  });
  const job: TrainerJob = {
    mode: "train",
    model: `${packageRoot}models/seed-q8_0.gguf`,
    data,
    out: folder.join("out.gguf"),
    optimiser: { steps: 6 },
    ...more,
  };
  const events: TrainerEvent[] = [];
  const run = trainer.run(job, { ...options, onEvent: (event) => events.push(event) });
  let failure: unknown = null;
  run.ended.catch((error: unknown) => {
    failure = error;
  });
  const pids = async () => (await readFile(births, "utf8").catch(() => "")).split("\n").filter(Boolean).map(Number);
  return { clock, run, events, pids, failure: () => failure };
}

type Supervised = Awaited<ReturnType<typeof supervise>>;

const soon = <T>(check: () => T | Promise<T>) => vi.waitFor(check, { timeout: 8_000, interval: 5 });

/** Waits until the `count`th child has been started and the only timer is `timerMs` away. */
async function untilLife({ clock, pids }: Supervised, count: number, timerMs: number): Promise<void> {
  await soon(async () => {
    expect((await pids()).length).toBe(count);
    expect(clock.nextTimerMs).toBe(timerMs);
  });
}

/** Waits for the delay before a restart and skips it. */
async function skipRestartDelay({ clock }: Supervised, delayMs: number): Promise<void> {
  await soon(() => expect(clock.nextTimerMs).toBe(delayMs));
  await clock.advance(delayMs);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("supervision of the trainer", () => {
  it("kills a child without hello after 10 s, four times in all, 1, 4 and 16 s apart, and gives up", async () => {
    await using folder = await makeTempDir("supervision");
    const supervised = await supervise(folder, "silent");
    const { clock, run, pids } = supervised;
    for (const [life, delayMs] of [1_000, 4_000, 16_000, null].entries()) {
      await untilLife(supervised, life + 1, 10_000);
      await clock.advance(9_999);
      expect(isAlive((await pids())[life] ?? 0)).toBe(true);
      await clock.advance(1);
      if (delayMs !== null) await skipRestartDelay(supervised, delayMs);
    }
    await expect(run.ended).rejects.toMatchObject({
      code: "E_TRAINER_SILENT",
      message: expect.stringMatching(/no hello .* 10000 ms/),
    });
    expect((await pids()).length).toBe(4);
    expect((await pids()).filter(isAlive)).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("takes a child for dead that sends nothing for 15 s after hello", async () => {
    await using folder = await makeTempDir("supervision");
    const supervised = await supervise(folder, "mute");
    await untilLife(supervised, 1, 15_000);
    await supervised.clock.advance(15_000);
    await soon(() => expect(supervised.clock.nextTimerMs).toBe(1_000));
    await supervised.run.stop();
    expect((await supervised.pids()).filter(isAlive)).toEqual([]);
  });

  it("owes no heartbeat while frozen, and is watched again from the thaw on", async () => {
    await using folder = await makeTempDir("supervision");
    const supervised = await supervise(folder, "mute");
    const { clock, run, pids } = supervised;
    await untilLife(supervised, 1, 15_000);
    await run.freeze();
    await clock.advance(60_000);
    expect((await pids()).filter(isAlive).length).toBe(1);
    await run.thaw();
    expect(clock.nextTimerMs).toBe(15_000);
    await clock.advance(15_000);
    await soon(() => expect(clock.nextTimerMs).toBe(1_000));
    await run.stop();
  });

  it("watches a child on after a freeze that was taken back at once", async () => {
    await using folder = await makeTempDir("supervision");
    const supervised = await supervise(folder, "mute");
    const { clock, run } = supervised;
    await untilLife(supervised, 1, 15_000);
    await Promise.all([run.freeze(), run.thaw()]);
    expect(clock.nextTimerMs).toBe(15_000);
    await clock.advance(15_000);
    await soon(() => expect(clock.nextTimerMs).toBe(1_000));
    await run.stop();
  });

  it("sends SIGKILL 2 s after a SIGTERM that was ignored, 10 s after the order to stop", async () => {
    await using folder = await makeTempDir("supervision");
    const supervised = await supervise(folder, "ignores-sigterm");
    const { clock, run, pids } = supervised;
    await untilLife(supervised, 1, 15_000);
    const [pid = 0] = await pids();
    const stopped = run.stop();
    await soon(() => expect(clock.nextTimerMs).toBe(10_000));
    await clock.advance(10_000);
    expect(clock.nextTimerMs).toBe(2_000);
    await clock.advance(1_999);
    expect(isAlive(pid)).toBe(true);
    await clock.advance(1);
    expect(await stopped).toEqual({ kind: "stopped", checkpoint: null });
    expect(isAlive(pid)).toBe(false);
  });

  it.each([
    { mode: "garbage", message: /not JSON/ },
    { mode: "endless-line", message: /1000000 bytes/ },
    { mode: "future-protocol", message: /speaks protocol 99, we speak 1/ },
  ])("ends a child that speaks wrongly ($mode) at once, without a restart", async ({ mode, message }) => {
    await using folder = await makeTempDir("supervision");
    const { run, pids } = await supervise(folder, mode);
    await expect(run.ended).rejects.toMatchObject({
      code: "E_TRAINER_PROTOCOL",
      message: expect.stringMatching(message),
    });
    expect((await pids()).length).toBe(1);
    expect((await pids()).filter(isAlive)).toEqual([]);
  });

  it.each([
    { mode: "crash-at-step-3", code: "E_TRAINER_CRASHED" },
    { mode: "oom", code: "E_TRAINER_CRASHED" },
    { mode: "stumbles", code: "E_TRAINER_INTERNAL" },
  ])("goes on from the checkpoint at step 2 after $mode at step 3", async ({ mode, code }) => {
    await using folder = await makeTempDir("supervision");
    const checkpoint = { path: folder.join("ck"), everySteps: 2 };
    const supervised = await supervise(folder, mode, { checkpoint });
    await skipRestartDelay(supervised, 1_000);
    expect(await supervised.run.ended).toMatchObject({ kind: "done", metrics: { steps: 6 } });
    expect(supervised.events.filter(({ kind }) => kind === "restarted")).toEqual([
      { kind: "restarted", attempt: 1, code, fromStep: 2 },
    ]);
    const steps = supervised.events.flatMap((event) => (event.kind === "progress" ? [event.progress.step] : []));
    expect(steps).toEqual([1, 2, 3, 3, 4, 5, 6]);
  });

  it("fails with the child's own code, without restart, when that is final", async () => {
    await using folder = await makeTempDir("supervision");
    const { run, pids } = await supervise(folder, "breaks");
    await expect(run.ended).rejects.toMatchObject({ code: "E_LOSS_NAN", message: "loss is not a number at step 3" });
    expect((await pids()).length).toBe(1);
  });

  it("gives up after 3 restarts of a child that always crashes", async () => {
    await using folder = await makeTempDir("supervision");
    const supervised = await supervise(folder, "always-crashes");
    for (const delayMs of [1_000, 4_000, 16_000]) await skipRestartDelay(supervised, delayMs);
    await expect(supervised.run.ended).rejects.toMatchObject({ code: "E_TRAINER_CRASHED" });
    expect((await supervised.pids()).length).toBe(4);
  });

  it("stops at once while it waits for a restart", async () => {
    await using folder = await makeTempDir("supervision");
    const supervised = await supervise(folder, "always-crashes");
    await soon(() => expect(supervised.clock.nextTimerMs).toBe(1_000));
    expect(await supervised.run.stop()).toEqual({ kind: "stopped", checkpoint: null });
    expect((await supervised.pids()).length).toBe(1);
    expect(supervised.clock.pendingTimers).toBe(0);
  });

  it("starts no new child while frozen, and one after the thaw", async () => {
    await using folder = await makeTempDir("supervision");
    const supervised = await supervise(folder, "crash-at-step-3", {
      checkpoint: { path: folder.join("ck"), everySteps: 2 },
    });
    await soon(() => expect(supervised.clock.nextTimerMs).toBe(1_000));
    await supervised.run.freeze();
    await supervised.clock.advance(60_000);
    expect((await supervised.pids()).length).toBe(1);
    await supervised.run.thaw();
    expect((await supervised.run.ended).kind).toBe("done");
    expect((await supervised.pids()).length).toBe(2);
  });

  it("gives limits and a pause that were ordered before to the child of the restart", async () => {
    await using folder = await makeTempDir("supervision");
    const supervised = await supervise(folder, "crash-at-step-3");
    await soon(() => expect(supervised.clock.nextTimerMs).toBe(1_000));
    const paused = supervised.run.pause();
    await supervised.clock.advance(1_000);
    await paused;
    const progressed = supervised.events.filter(({ kind }) => kind === "progress").length;
    expect(progressed).toBe(3);
    await supervised.run.stop();
  });

  it("does not believe a hash that is not the file's", async () => {
    await using folder = await makeTempDir("supervision");
    const { run } = await supervise(folder, "wrong-hash");
    await expect(run.ended).rejects.toMatchObject({ code: "E_TRAINER_WRITE" });
  });

  it("reports a missing executable as E_TRAINER_MISSING without a restart", async () => {
    const clock = new FakeClock();
    const trainer = new TrainerProcess({
      command: { file: "/nowhere/asls-trainer" },
      clock,
      logger: silentLogger,
      freezer: new SignalFreezer(),
    });
    const { ended } = trainer.run({ mode: "probe", model: "/nowhere/model.gguf" });
    await expect(ended).rejects.toMatchObject({ code: "E_TRAINER_MISSING" });
    expect(clock.pendingTimers).toBe(0);
  });

  it("leaves the child its own malloc, whose settings it makes itself", async () => {
    await using folder = await makeTempDir("supervision");
    for (const [name, value] of Object.entries({ ...SERVICE_ENVIRONMENT, ASLS_TEST: "stays" })) vi.stubEnv(name, value);
    const supervised = await supervise(folder, "mute");
    vi.unstubAllEnvs();
    await untilLife(supervised, 1, 15_000);
    const [pid = 0] = await supervised.pids();
    const environment = (await readFile(`/proc/${pid}/environ`, "utf8")).split("\0");
    expect(environment).toContain("ASLS_TEST=stays");
    const ours = Object.entries(SERVICE_ENVIRONMENT).map(([name, value]) => `${name}=${value}`);
    expect(environment.filter((each) => ours.includes(each))).toEqual([]);
    const stopped = supervised.run.stop();
    await soon(() => expect(supervised.clock.nextTimerMs).toBe(10_000));
    await supervised.clock.advance(10_000);
    await stopped;
  });

  it("runs the child at nice 19 and as the OOM killer's first choice (800)", async () => {
    await using folder = await makeTempDir("supervision");
    const supervised = await supervise(folder, "mute");
    await untilLife(supervised, 1, 15_000);
    const [pid = 0] = await supervised.pids();
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    expect(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]).toBe("19");
    await soon(async () => expect((await readFile(`/proc/${pid}/oom_score_adj`, "utf8")).trim()).toBe("800"));
    const stopped = supervised.run.stop();
    await soon(() => expect(supervised.clock.nextTimerMs).toBe(10_000));
    await supervised.clock.advance(10_000);
    await stopped;
  });
});
