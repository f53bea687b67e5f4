import { copyFile } from "node:fs/promises";
import type { EncodedExample } from "../../src/adapt/example-encoding.ts";
import type { GeneralText } from "../../src/adapt/general-text.ts";
import type { TrainingTextEncoder } from "../../src/adapt/ports.ts";
import type { TrainerStepParts } from "../../src/adapt/trainer-steps.ts";
import type { TrainingSettings } from "../../src/adapt/training-settings.ts";
import type { SentenceEmbedder } from "../../src/profile/ports.ts";
import type { DialogueEncoder } from "./dialogue-encoder.ts";
import type { MeteredTrainer } from "./meter.ts";
import type { WindowSize } from "./windows.ts";

/** What every measurement needs; the product's own parts. */
export interface Rig {
  readonly parts: TrainerStepParts;
  readonly meter: MeteredTrainer;
  readonly textEncoder: TrainingTextEncoder;
  readonly encoder: DialogueEncoder;
  readonly embedder: SentenceEmbedder;
  /** The product's defaults. */
  readonly settings: TrainingSettings;
  /** Short trainings on what was said since the last one. */
  readonly catchUp: { readonly lr: number; readonly passes: number };
  readonly general: {
    readonly text: GeneralText;
    readonly watched: readonly EncodedExample[];
    readonly measured: readonly EncodedExample[];
  };
  /** Counts of words in other people's dialogues. */
  readonly generalWords: ReadonlyMap<string, number>;
  /** Warm start; null = there is none for this model. */
  readonly metaAdapter: string | null;
  readonly window: WindowSize;
  copy(from: string, to: string): Promise<void>;
}

/** Copies a file unless it is in place already. */
export async function copyUnlessSame(from: string, to: string): Promise<void> {
  if (from !== to) await copyFile(from, to);
}
