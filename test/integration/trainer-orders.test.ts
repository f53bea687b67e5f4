import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildTimeoutMs, runTrainer, runTrainerLines } from "../support/native-trainer.ts";
import { makeTempDir } from "../support/temp-dir.ts";
import { last, sha256, TrainerJobs } from "../support/trainer-jobs.ts";

let jobs: TrainerJobs;

beforeAll(async () => {
  jobs = await TrainerJobs.open();
}, buildTimeoutMs);
afterAll(() => jobs?.dispose());

describe("checkpoints", () => {
  const extra = (checkpoint: string) => ({ checkpoint: { path: checkpoint }, losses: { kl_weight: 0.1 } });

  it("stopped at step 5 and resumed gives the bytes of an uninterrupted run", async () => {
    const data = jobs.dataOf(["ce", "dpo"]);
    const whole = await jobs.train(data, extra(jobs.fresh("c")));
    const checkpoint = jobs.fresh("c");
    const stopped = await runTrainer(jobs.trainJob(data, jobs.fresh("a.gguf"), extra(checkpoint)), {
      folder: jobs.folder,
      onMessage: (message, send) => {
        if (message.type === "progress" && message.step === 5) send({ type: "stop" });
      },
    });
    expect(stopped.code).toBe(0);
    expect(last(stopped)).toMatchObject({ type: "done", stopped: true, path: null });
    const out = jobs.fresh("a.gguf");
    const resumed = await runTrainer(jobs.trainJob(data, out, { ...extra(checkpoint), resume: checkpoint }), {
      folder: jobs.folder,
    });
    expect(Number(resumed.messages.find((message) => message.type === "plan")?.first_step)).toBeGreaterThanOrEqual(5);
    expect(sha256(out)).toBe(sha256(whole.out));
  });

  it("killed at 16 instants: the last checkpoint always resumes to the same bytes, and nothing half-written is left", async () => {
    const data = jobs.dataOf();
    const whole = await jobs.train(data, extra(jobs.fresh("c")));
    const scratch = await makeTempDir("trainer-kill");
    await using _ = scratch;
    for (let round = 0; round < 16; round++) {
      const checkpoint = scratch.join(`c${round}`);
      const job = jobs.trainJob(data, scratch.join(`never${round}`), {
        ...extra(checkpoint),
        checkpoint: { path: checkpoint, every_steps: 1 },
      });
      let seen = 0;
      await runTrainer(job, {
        folder: jobs.folder,
        // kills right before, inside and right after the writing of a checkpoint, depending on the round
        onMessage: (message, _send, kill) => {
          if ((message.type === "progress" || message.type === "checkpoint") && ++seen === round + 1) kill("SIGKILL");
        },
      });
      if (round < 2) continue; // killed before the first checkpoint was complete
      const out = scratch.join(`a${round}`);
      const resumed = await runTrainer(jobs.trainJob(data, out, { ...extra(checkpoint), resume: checkpoint }), {
        folder: jobs.folder,
      });
      expect(last(resumed), `round ${round}`).toMatchObject({ type: "done" });
      expect(sha256(out)).toBe(sha256(whole.out));
    }
    expect(readdirSync(scratch.path).filter((name) => name.startsWith("never") || name.endsWith(".part"))).toEqual([]);
  });

  it("refuses a damaged checkpoint and one of other options", async () => {
    const data = jobs.dataOf();
    const checkpoint = jobs.fresh("c");
    await jobs.train(data, { checkpoint: { path: checkpoint, every_steps: 4 } });
    const other = await runTrainer(jobs.trainJob(data, jobs.fresh("a"), { resume: checkpoint, seed: 9 }), {
      folder: jobs.folder,
    });
    expect(last(other)).toMatchObject({ type: "error", code: "E_CHECKPOINT_MISMATCH" });
    const bytes = readFileSync(checkpoint);
    bytes[300] = (bytes[300] ?? 0) ^ 1;
    writeFileSync(checkpoint, bytes);
    const damaged = await runTrainer(jobs.trainJob(data, jobs.fresh("a"), { resume: checkpoint }), {
      folder: jobs.folder,
    });
    expect(last(damaged)).toMatchObject({ type: "error", code: "E_CHECKPOINT_INVALID" });
    // A right digest over a header that is JSON and no object.
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(2n);
    const forged = Buffer.concat([Buffer.from("ASLSCKP1"), length, Buffer.from("36")]);
    writeFileSync(checkpoint, Buffer.concat([forged, Buffer.from(createHash("sha256").update(forged).digest("hex"))]));
    const odd = await runTrainer(jobs.trainJob(data, jobs.fresh("a"), { resume: checkpoint }), { folder: jobs.folder });
    expect(last(odd)).toMatchObject({ type: "error", code: "E_CHECKPOINT_INVALID" });
    expect(damaged.code).toBe(65);
  });
});

describe("orders", () => {
  it("pause stops between two layers and resume goes on to the same bytes", async () => {
    const data = jobs.dataOf();
    const plain = await jobs.train(data);
    const out = jobs.fresh("a.gguf");
    const states: string[] = [];
    const run = await runTrainer(jobs.trainJob(data, out), {
      folder: jobs.folder,
      onMessage: (message, send) => {
        if (message.type === "paused" || message.type === "resumed") states.push(message.type);
        if (message.type === "progress" && message.step === 3) send({ type: "pause" });
        if (message.type === "paused") send({ type: "resume" });
      },
    });
    expect(run.code).toBe(0);
    expect(states).toEqual(["paused", "resumed"]);
    expect(sha256(out)).toBe(sha256(plain.out));
  });

  it("limits change threads and duty without changing the result", async () => {
    const data = jobs.dataOf();
    const plain = await jobs.train(data);
    const out = jobs.fresh("a.gguf");
    await runTrainer(jobs.trainJob(data, out), {
      folder: jobs.folder,
      onMessage: (message, send) => {
        if (message.type === "progress" && message.step === 2) send({ type: "limits", threads: 2, duty: 0.7 });
      },
    });
    expect(sha256(out)).toBe(sha256(plain.out));
  });

  it.each([
    ["an unknown field", '{"v":1,"type":"start","job":{"mode":"train","model":"m","colour":1}}'],
    ["a future version", '{"v":2,"type":"start","job":{"mode":"train","model":"m"}}'],
    ["an unknown type", '{"v":1,"type":"dance"}'],
    ["something that is not JSON", "hello"],
    ["a value out of range", '{"v":1,"type":"start","job":{"mode":"train","model":"m","threads":0}}'],
  ])("refuses %s with E_TRAINER_PROTOCOL and exit code 2", async (_name, line) => {
    const run = await runTrainerLines([line], { folder: jobs.folder });
    expect(last(run)).toMatchObject({ type: "error", code: "E_TRAINER_PROTOCOL" });
    expect(run.code).toBe(2);
    expect(run.messages[0]).toMatchObject({ type: "hello", protocol: 1 });
  });
});
