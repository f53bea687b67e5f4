import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import {
  buildTrainer,
  madeExamples,
  makeModel,
  runTrainer,
  type TrainerMessage,
  type TrainerRun,
  writeExamples,
} from "./native-trainer.ts";
import { makeTempDir, type TempDir } from "./temp-dir.ts";

export type ExampleKind = "ce" | "kto" | "dpo";

/** Jobs of the built trainer on a narrow Llama with random Q8_0 weights, in a folder of their own. */
export class TrainerJobs {
  readonly folder: string;
  readonly temp: TempDir;
  readonly model: string;
  #counter = 0;

  private constructor(folder: string, temp: TempDir) {
    this.folder = folder;
    this.temp = temp;
    this.model = makeModel(folder, temp.path, "--arch llama --shape narrow --type q8_0");
  }

  static async open(): Promise<TrainerJobs> {
    return new TrainerJobs(buildTrainer(), await makeTempDir("trainer"));
  }

  /** A path that nothing has yet. */
  fresh(name: string): string {
    this.#counter += 1;
    return this.temp.join(`${this.#counter}-${name}`);
  }

  dataOf(kinds: readonly ExampleKind[] = ["ce"], count = 6, length = 24): string {
    return writeExamples(this.fresh("data.jsonl"), madeExamples(count, length, kinds));
  }

  trainJob(data: string, out: string, extra: object = {}, optimiser: object = {}) {
    return {
      mode: "train",
      model: this.model,
      data,
      out,
      lora: { rank: 4, alpha: 8 },
      optimiser: { steps: 12, lr: 0.005, ...optimiser },
      ...extra,
    };
  }

  /** A training that comes to its end. */
  async train(data: string, extra: object = {}, optimiser: object = {}): Promise<{ run: TrainerRun; out: string }> {
    const out = this.fresh("adapter.gguf");
    const run = await runTrainer(this.trainJob(data, out, extra, optimiser), { folder: this.folder });
    expect(last(run)).toMatchObject({ type: "done", stopped: false });
    return { run, out };
  }

  dispose(): Promise<void> {
    return this.temp.dispose();
  }
}

export function last(run: TrainerRun): TrainerMessage {
  return run.messages.at(-1) ?? { type: "nothing" };
}

/** A field of every `progress` message. */
export function numbers(run: TrainerRun, field: string): number[] {
  return run.messages.filter((message) => message.type === "progress").map((message) => Number(message[field]));
}

export function sha256(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
