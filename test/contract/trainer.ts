import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { Trainer, TrainerEvent, TrainerJob } from "../../src/adapt/ports.ts";
import { writeTokenFile } from "../../src/adapt/token-file.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";

/** What an implementation brings to {@link trainerContract}. */
export interface TrainerFixture {
  makeTrainer(): Trainer;
  /** A GGUF that the implementation trains in well under a second a step. */
  readonly model: string;
  /** Token ids that are valid for the model are [0, vocabularySize). */
  readonly vocabularySize: number;
}

/** Behaviour that every {@link Trainer} shares; each case runs the implementation for real. */
export function trainerContract(name: string, fixture: TrainerFixture): void {
  const { makeTrainer, model } = fixture;

  /** A job of small steps on three examples of twelve tokens, seed 7. */
  async function trainJob(folder: TempDir, steps: number, more: Partial<TrainerJob> = {}): Promise<TrainerJob> {
    const data = folder.join("data.jsonl");
    const examples = [11, 12, 13].map((first) => ({
      id: `e${first}`,
      kind: "ce" as const,
      tokens: Array.from({ length: 12 }, (_, i) => (first * 31 + i * 17) % fixture.vocabularySize),
      targets: [[4, 12]] as const,
    }));
    await writeTokenFile(data, examples);
    return {
      mode: "train",
      model,
      data,
      out: folder.join("out.gguf"),
      seed: 7,
      threads: 1,
      backend: "cpu",
      lora: { rank: 4, alpha: 8 },
      optimiser: { steps, lr: 0.001 },
      ...more,
    };
  }

  const isProgress = (event: TrainerEvent) => event.kind === "progress";

  /** Starts the job and resolves with the run when its `count`th progress has come. */
  function afterProgress(trainer: Trainer, job: TrainerJob, count: number) {
    const events: TrainerEvent[] = [];
    let resolve = () => {};
    const promise = new Promise<void>((settle) => {
      resolve = settle;
    });
    const run = trainer.run(job, {
      onEvent: (event) => {
        events.push(event);
        if (events.filter(isProgress).length === count) resolve();
      },
    });
    const reached = Promise.race([promise, run.ended.then(() => {})]);
    return { run, events, reached };
  }

  describe(`trainer contract: ${name}`, () => {
    it("reports plan and 5 of 5 steps in order, and the hash of the adapter that it wrote", async () => {
      await using folder = await makeTempDir("trainer");
      const job = await trainJob(folder, 5);
      const events: TrainerEvent[] = [];

      const outcome = await makeTrainer().run(job, { onEvent: (event) => events.push(event) }).ended;

      expect(events.map((event) => event.kind)).toEqual(["plan", ...Array(5).fill("progress")]);
      expect(events.filter(isProgress).map((event) => event.progress.step)).toEqual([1, 2, 3, 4, 5]);
      expect(outcome).toMatchObject({ kind: "done", file: { path: job.out }, metrics: { steps: 5 } });
      expect((await readFile(folder.join("out.gguf"))).length).toBeGreaterThan(0);
    });

    it("writes byte-identical adapters for the same job, and others for another seed", async () => {
      await using folder = await makeTempDir("trainer");
      const job = await trainJob(folder, 3);
      const bytes: Buffer[] = [];
      for (const seed of [7, 7, 8]) {
        const out = folder.join(`out-${bytes.length}.gguf`);
        await makeTrainer().run({ ...job, seed, out }).ended;
        bytes.push(await readFile(out));
      }
      const [first, second, other] = bytes;
      expect(first?.equals(second ?? Buffer.of())).toBe(true);
      expect(first?.equals(other ?? Buffer.of())).toBe(false);
    });

    it("stops with a checkpoint and no adapter, and resumed from it ends with the bytes of a run of 60 steps", async () => {
      await using folder = await makeTempDir("trainer");
      const job = await trainJob(folder, 60, { checkpoint: { path: folder.join("ck"), everySteps: 0 } });
      const whole = folder.join("whole.gguf");
      await makeTrainer().run({ ...job, out: whole }).ended;

      const { run, reached } = afterProgress(makeTrainer(), { ...job, paused: false }, 3);
      await reached;
      const outcome = await run.stop();

      expect(outcome).toMatchObject({ kind: "stopped", checkpoint: { path: folder.join("ck") } });
      expect(existsSync(folder.join("out.gguf"))).toBe(false);
      const resumed = await makeTrainer().run({ ...job, resume: folder.join("ck") }).ended;
      expect(resumed).toMatchObject({ kind: "done", metrics: { steps: 60 } });
      expect((await readFile(folder.join("out.gguf"))).equals(await readFile(whole))).toBe(true);
    });

    it("does no step from `paused` to `resume`, over 3,000 turns of our event loop", async () => {
      await using folder = await makeTempDir("trainer");
      const { run, events, reached } = afterProgress(makeTrainer(), await trainJob(folder, 100_000), 2);
      await reached;

      await run.pause();
      const whenPaused = events.length;
      for (let i = 0; i < 3_000; i += 1) await new Promise((resolve) => setImmediate(resolve));
      await run.pause();
      expect(events.length).toBe(whenPaused);

      const goesOn = progressAfter(events, run);
      run.resume();
      await goesOn;
      await run.stop();
    });

    it("reports each of 200 pauses that follow a resume at once", async () => {
      await using folder = await makeTempDir("trainer");
      const { run, events, reached } = afterProgress(makeTrainer(), await trainJob(folder, 1_000_000), 2);
      await reached;
      for (let i = 0; i < 200; i += 1) {
        await run.pause();
        run.resume();
      }
      await progressAfter(events, run);
      await run.stop();
    });

    it("forgets a pause that is taken back at once", async () => {
      await using folder = await makeTempDir("trainer");
      const { run, events, reached } = afterProgress(makeTrainer(), await trainJob(folder, 100_000), 2);
      await reached;
      const paused = run.pause();
      run.resume();
      await paused;
      await progressAfter(events, run);
      await run.stop();
    });

    it("stands still in the kernel's eyes while frozen, and goes on when thawed", async () => {
      await using folder = await makeTempDir("trainer");
      const { run, events, reached } = afterProgress(makeTrainer(), await trainJob(folder, 100_000), 2);
      await reached;

      await run.freeze();
      expect(await processState(run.pid)).toBe("T");

      const goesOn = progressAfter(events, run);
      await run.thaw();
      await goesOn;
      expect(await processState(run.pid)).not.toBe("T");
      await run.stop();
    });

    it("goes on after 20 freezes that are taken back before they took hold", async () => {
      await using folder = await makeTempDir("trainer");
      const { run, events, reached } = afterProgress(makeTrainer(), await trainJob(folder, 1_000_000), 2);
      await reached;
      for (let i = 0; i < 20; i += 1) await Promise.all([run.freeze(), run.thaw()]);
      await progressAfter(events, run);
      await run.stop();
    });

    it("writes a checkpoint when asked", async () => {
      await using folder = await makeTempDir("trainer");
      const path = folder.join("ck");
      const job = await trainJob(folder, 100_000, { checkpoint: { path, everySteps: 0 } });
      const { run, reached } = afterProgress(makeTrainer(), job, 1);
      await reached;

      const checkpoint = await run.checkpoint();

      expect(checkpoint?.path).toBe(path);
      expect(checkpoint?.step).toBeGreaterThanOrEqual(1);
      expect(existsSync(path)).toBe(true);
      await run.stop();
    });

    it("steps with the rate set from outside under the external schedule", async () => {
      await using folder = await makeTempDir("trainer");
      const job = await trainJob(folder, 3, { paused: true, optimiser: { steps: 3, schedule: "external", lr: 0.01 } });
      const rates: (number | null)[] = [];
      const run = makeTrainer().run(job, {
        onEvent: (event) => {
          if (isProgress(event)) rates.push(event.progress.lr);
          if (event.kind === "plan") {
            run.setRate(0.0005);
            run.resume();
          }
        },
      });
      await run.ended;
      expect(rates).toEqual([0.0005, 0.0005, 0.0005]);
    });

    it("goes on from its last checkpoint after SIGKILL, and ends with the bytes of an undisturbed run", async () => {
      await using folder = await makeTempDir("trainer");
      const job = await trainJob(folder, 60, { checkpoint: { path: folder.join("ck"), everySteps: 5 } });
      const whole = folder.join("whole.gguf");
      await makeTrainer().run({ ...job, out: whole }).ended;

      const events: TrainerEvent[] = [];
      const run = makeTrainer().run(job, {
        onEvent: (event) => {
          events.push(event);
          const isFirstLife = !events.some(({ kind }) => kind === "restarted");
          if (event.kind === "checkpoint" && isFirstLife && run.pid !== null) process.kill(run.pid, "SIGKILL");
        },
      });
      await run.ended;

      const restart = events.find((event) => event.kind === "restarted");
      expect(restart).toMatchObject({ attempt: 1, code: "E_TRAINER_CRASHED" });
      expect(restart?.fromStep).toBeGreaterThanOrEqual(5);
      expect((await readFile(folder.join("out.gguf"))).equals(await readFile(whole))).toBe(true);
    });

    it("evaluates every example in the file's order, 8 target tokens each", async () => {
      await using folder = await makeTempDir("trainer");
      const { data } = await trainJob(folder, 1);

      const outcome = await makeTrainer().run({ mode: "evaluate", model, data: data ?? "", backend: "cpu" }).ended;

      expect(outcome.kind === "done" && outcome.results.map(({ id, tokens }) => [id, tokens])).toEqual([
        ["e11", 8],
        ["e12", 8],
        ["e13", 8],
      ]);
      expect(outcome).toMatchObject({ file: null, results: [{ adapterLoss: null }, {}, {}] });
    });

    it.each([
      { what: "a model that is not there", code: "E_MODEL_UNREADABLE", more: { model: "/nowhere/model.gguf" } },
      { what: "a token id past the vocabulary", code: "E_DATA_INVALID", more: {} },
      { what: "an empty data file", code: "E_DATA_INVALID", more: {} },
    ])("refuses $what with $code, without restart and without a file left behind", async ({ what, code, more }) => {
      await using folder = await makeTempDir("trainer");
      const job = await trainJob(folder, 3, more);
      if (what.includes("token id")) {
        await writeTokenFile(job.data ?? "", [{ id: "x", kind: "ce", tokens: [1, 999_999_999], targets: [[1, 2]] }]);
      }
      if (what.includes("empty")) await writeFile(job.data ?? "", "");
      const events: TrainerEvent[] = [];

      const ended = makeTrainer().run(job, { onEvent: (event) => events.push(event) }).ended;

      await expect(ended).rejects.toMatchObject({ code });
      expect(events.filter(({ kind }) => kind === "restarted")).toEqual([]);
      expect(existsSync(folder.join("out.gguf"))).toBe(false);
    });

    it("refuses a second job while one runs, and takes it afterwards", async () => {
      await using folder = await makeTempDir("trainer");
      const job = await trainJob(folder, 2);
      const trainer = makeTrainer();
      const first = trainer.run(job);
      expect(() => trainer.run(job)).toThrow(expect.objectContaining({ code: "E_TRAINER_BUSY" }));
      await first.ended;
      expect((await trainer.run(job).ended).kind).toBe("done");
    });

    it("refuses an option that the protocol's table does not allow before anything is started", async () => {
      await using folder = await makeTempDir("trainer");
      const job = await trainJob(folder, 2, { lora: { rank: 0 } });
      const ended = makeTrainer().run(job).ended;
      await expect(ended).rejects.toMatchObject({
        code: "E_TRAINER_USAGE",
        message: expect.stringMatching(/job\.lora\.rank/),
      });
    });

    it("leaves with its checkpoint when the signal fires", async () => {
      await using folder = await makeTempDir("trainer");
      const job = await trainJob(folder, 100_000, { checkpoint: { path: folder.join("ck"), everySteps: 0 } });
      const abort = new AbortController();
      const outcome = await makeTrainer().run(job, {
        signal: abort.signal,
        onEvent: (event) => {
          if (isProgress(event)) abort.abort();
        },
      }).ended;
      expect(outcome).toMatchObject({ kind: "stopped", checkpoint: { path: folder.join("ck") } });
    });
  });
}

/** Resolves when one more progress than now has come; rejects when the run ends instead. */
async function progressAfter(
  events: readonly TrainerEvent[],
  run: { readonly ended: Promise<unknown> },
): Promise<void> {
  const seen = events.length;
  let isOver = false;
  run.ended.then(
    () => {
      isOver = true;
    },
    () => {
      isOver = true;
    },
  );
  while (events.length === seen) {
    if (isOver) throw new Error("the run ended before it went on");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** State letter of a process: R running, S sleeping, T stopped. @see proc_pid_stat(5) */
async function processState(pid: number | null): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  return stat.charAt(stat.lastIndexOf(")") + 2);
}
