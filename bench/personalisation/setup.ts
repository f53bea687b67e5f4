import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeExamples } from "../../src/adapt/example-encoding.ts";
import { SignalFreezer } from "../../src/adapt/freezer.ts";
import { generalExamples, readGeneralText } from "../../src/adapt/general-text.ts";
import { trainerExecutable } from "../../src/adapt/trainer-executable.ts";
import { TrainerProcess } from "../../src/adapt/trainer-process.ts";
import { DEFAULT_TRAINING_SETTINGS, type TrainingSettings } from "../../src/adapt/training-settings.ts";
import { packageRoot } from "../../src/core/built-file.ts";
import { SystemClock } from "../../src/core/clock.ts";
import { fileSha256 } from "../../src/core/file-hash.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { openEmbedder, WORD_VECTOR_FILE } from "../../src/profile/open-embedder.ts";
import { LlamaTrainingTextEncoder } from "../../src/runtime/llm/training-text-encoder.ts";
import { DialogueEncoder } from "./dialogue-encoder.ts";
import { MeteredTrainer } from "./meter.ts";
import { wordCounts } from "./prompts.ts";
import { copyUnlessSame, type Rig } from "./rig.ts";
import type { Writer } from "./writers.ts";

/** Raised when what is measured changes, so that results of before are not taken up again. */
const METHOD = 3;
/** The best window of the base, found on the learning share of the development users: see docs/personalisation.md. */
const WINDOW = { tokens: 128, overlap: 64 };

/** The rig and what identifies everything that decides its results. */
export interface OpenRig extends AsyncDisposable {
  readonly rig: Rig;
  /** Results of runs with the same digest may be put together. */
  readonly digest: string;
}

/** What of the settings these measurements depend on. */
function deciding({
  selection,
  replayShare,
  lora,
  optimiser,
  losses,
  learningRate,
  maxPasses,
  strengths,
  gate,
}: TrainingSettings) {
  return {
    selection,
    replayShare,
    lora,
    optimiser,
    losses,
    learningRate,
    maxPasses,
    strengths,
    generalCeiling: gate.generalCeiling,
  };
}

/**
 * The product's own trainer, encoder, embedder, general text and warm start.
 *
 * @param others dialogues of other people, for what is general.
 * @param trainerPath the native trainer; null = that of this installation.
 * @throws AppError E_TRAINER_MISSING; E_FILE_UNREADABLE; as LlamaTrainingTextEncoder.open.
 */
export async function openRig(
  model: string,
  users: string,
  others: readonly Writer[],
  signal: AbortSignal,
  trainerPath: string | null = null,
): Promise<OpenRig> {
  const folder = await mkdtemp(join(tmpdir(), "asls-personalisation-"));
  const textEncoder = await LlamaTrainingTextEncoder.open(model, silentLogger);
  const meter = new MeteredTrainer(
    new TrainerProcess({
      command: { file: trainerExecutable(trainerPath) },
      clock: new SystemClock(),
      logger: silentLogger,
      freezer: new SignalFreezer(),
    }),
  );
  const settings = DEFAULT_TRAINING_SETTINGS;
  const text = await readGeneralText(join(packageRoot, "models", "general.txt"));
  const encode = async (exchanges: typeof text.watched) =>
    (await encodeExamples(generalExamples(exchanges), textEncoder, settings.optimiser.maxTokens)).encoded;
  const base = await fileSha256(model);
  const metaAdapter = await warmStartFor(base);
  const catchUp = { lr: 1e-3, passes: 2 };
  const facts = [
    METHOD,
    base,
    await fileSha256(users),
    deciding(settings),
    catchUp,
    WINDOW,
    metaAdapter && (await fileSha256(metaAdapter)),
  ];
  return {
    digest: createHash("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 12),
    rig: {
      parts: { trainer: meter, model, folder, threads: 1, signal, onEvent: () => {} },
      meter,
      textEncoder,
      encoder: new DialogueEncoder(textEncoder),
      embedder: await openEmbedder(join(packageRoot, "models", WORD_VECTOR_FILE), silentLogger),
      settings,
      catchUp,
      general: { text, watched: await encode(text.watched), measured: await encode(text.measured) },
      generalWords: wordCounts(others.flatMap(({ dialogues }) => dialogues.flat())),
      metaAdapter,
      window: WINDOW,
      copy: copyUnlessSame,
    },
    [Symbol.asyncDispose]: async () => {
      await textEncoder[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The shipped warm start, when it belongs to this base. */
async function warmStartFor(baseSha256: string): Promise<string | null> {
  const path = join(packageRoot, "models", "seed-meta-lora.gguf");
  const facts = join(packageRoot, "models", "seed-meta-lora.json");
  if (!existsSync(path) || !existsSync(facts)) return null;
  const { base_sha256 } = JSON.parse(await readFile(facts, "utf8")) as { base_sha256: string };
  return base_sha256 === baseSha256 ? path : null;
}
