import { createHash } from "node:crypto";
import { encodeExamples } from "../../src/adapt/example-encoding.ts";
import { buildExamples, plainPrompt } from "../../src/adapt/examples.ts";
import { meanLoss, measureExamples } from "../../src/adapt/trainer-steps.ts";
import { fileSha256 } from "../../src/core/file-hash.ts";
import { silentLogger } from "../../src/core/logger.ts";
import type { Interaction } from "../../src/profile/ports.ts";
import { LlamaTrainingTextEncoder } from "../../src/runtime/llm/training-text-encoder.ts";
import { AdaptationRig } from "../../test/support/adaptation-rig.ts";
import { interaction, signal } from "../../test/support/interactions.ts";
import { type Figure, medianFigure, skippedFigure } from "../report.ts";
import type { Rig } from "./rig.ts";
import type { BenchState } from "./state.ts";
import type { WriterSplit } from "./writers.ts";

/** Nobody's words: what is asked, and what the answer should have been. */
const CORRECTIONS: readonly (readonly [input: string, answer: string])[] = [
  ["who is my favourite player", "LeBron James, as you told me."],
  ["recommend me a movie", "Try Inside Out, you like Pixar."],
  ["turn on the lights in the den", "The den is lit."],
  ["what should i cook", "Chicken curry with extra ginger."],
  ["good morning", "Morning boss, coffee is on."],
];
/** Of the learning share, the newest: a profile of some weeks. */
const DIALOGUES = 25;
const HOUR_MS = 3_600_000;

/** What five corrections, one after another, do to the adapter of one writer. */
export interface CorrectionResult {
  readonly given: number;
  /** Of them, those that the adapter in use was trained on in the end. */
  readonly learned: number;
  /** Mean loss of the corrected answers, nats a token, before and after. */
  readonly before: number;
  readonly after: number;
  /** Mean change of the loss of the writer's other words by each update that was let through, nats a token. */
  readonly words: readonly number[];
}

/** The product's own full job on a writer's words, then a micro-update after each correction. */
export async function measureCorrections(rig: Rig, { training, validation }: WriterSplit): Promise<CorrectionResult> {
  const { settings, parts, metaAdapter } = rig;
  const base = { path: parts.model, sha256: await fileSha256(parts.model), name: "bench", isTrainable: true };
  await using adaptation = await AdaptationRig.make({
    settings,
    config: { policy: { minNewInteractions: 1, minInteractions: 1, quietMs: HOUR_MS, minIntervalMs: HOUR_MS } },
    deps: {
      base: () => base,
      warmStart: async () => metaAdapter,
      openEncoder: () => LlamaTrainingTextEncoder.open(parts.model, silentLogger),
    },
  });
  const { service, store, journal } = adaptation;
  const profileId = await adaptation.consentingProfile();
  await adaptation.tell(profileId, turnsOf([...training, ...validation].slice(-DIALOGUES)));
  await service.start();
  await adaptation.trainNow();
  const corrected = CORRECTIONS.map(([input, answer], n) => correctedTurn(n, input, answer));
  const examples = await buildExamples(corrected, settings.examples, plainPrompt);
  const { encoded } = await encodeExamples(
    examples.filter(({ kind }) => kind === "correction"),
    rig.textEncoder,
    settings.optimiser.maxTokens,
  );
  /** With the adapter in use now. */
  const loss = async () => {
    const active = await store.active(profileId, base.sha256);
    const path = active === null ? metaAdapter : await store.open(profileId, active.version);
    const measured = await measureExamples(parts, "corrections", encoded, path, settings.optimiser.maxTokens);
    return meanLoss(measured) ?? Number.NaN;
  };
  const before = await loss();
  const ids: string[] = [];
  const words: number[] = [];
  for (const turn of corrected) {
    ids.push(...(await adaptation.tell(profileId, [turn])));
    service.corrected(profileId);
    await adaptation.jobOver();
    const record = await journal.read(profileId, "micro");
    if (record?.state === "active" && record.gate !== null) words.push(record.gate.heldOut.mean);
  }
  const known = new Set((await store.active(profileId, base.sha256))?.trainedInteractionIds);
  return {
    given: ids.length,
    learned: ids.filter((id) => known.has(id)).length,
    before,
    after: await loss(),
    words,
  };
}

/** A dialogue's turns by twos: what was said, and what was said to it. */
function turnsOf(dialogues: readonly (readonly string[])[]): Interaction[] {
  return dialogues.flatMap((turns, dialogue) =>
    turns.flatMap((input, i) => {
      const answer = turns[i + 1];
      if (i % 2 === 1 || answer === undefined) return [];
      return [interaction(i, { atMs: dialogue * HOUR_MS + i * 10_000, input, answer })];
    }),
  );
}

function correctedTurn(n: number, input: string, answer: string): Interaction {
  const atMs = (DIALOGUES + n + 1) * HOUR_MS;
  return interaction(n, { atMs, input, answer: "I do not know.", signals: [signal("correction", answer)] });
}

/** Names the settings of micro-updates too, on which nothing else in this benchmark depends. */
export function correctionsKey({ settings }: Pick<Rig, "settings">, writer: number): string {
  const digest = createHash("sha256").update(JSON.stringify(settings.micro)).digest("hex").slice(0, 8);
  return `corrections/${digest}/${writer}`;
}

/** Over all writers measured so far. */
export function correctionFigures(
  state: BenchState,
  rig: Pick<Rig, "settings">,
  writers: readonly number[],
): Record<string, Figure> {
  const results = writers.flatMap(
    (writer) => (state.kept(correctionsKey(rig, writer)) as CorrectionResult | undefined) ?? [],
  );
  const given = results.reduce((sum, each) => sum + each.given, 0);
  if (given === 0) return { corrections_learned: skippedFigure("share", "not among the arms measured so far") };
  const learned = results.reduce((sum, each) => sum + each.learned, 0);
  return {
    corrections_learned: { value: learned / given, unit: `share (${given} corrections)` },
    correction_median_drop: medianFigure(
      results.map(({ before, after }) => 1 - Math.exp(after - before)),
      "share",
    ),
    correction_words_rise: medianFigure(
      results.flatMap(({ words }) => words.map(Math.expm1)),
      "share",
    ),
  };
}
