import type { Interaction, SentenceEmbedder } from "../profile/ports.ts";
import { type EncodedExample, encodeExamples } from "./example-encoding.ts";
import { buildExamples, type ComposePrompt, type ExampleKind } from "./examples.ts";
import { type GeneralText, generalExamples, replayExamples } from "./general-text.ts";
import type { TrainingTextEncoder } from "./ports.ts";
import { seedFor } from "./seeded-random.ts";
import { type SelectionCandidate, selectExamples } from "./selection.ts";
import { splitByTime } from "./time-split.ts";
import type { TrainingSettings } from "./training-settings.ts";

/** Everything one full job needs, in tokens. */
export interface TrainingData {
  /** Examples of the training stretch that fit, oldest first; not yet cut to the budget. */
  readonly candidates: readonly EncodedExample[];
  readonly validation: readonly EncodedExample[];
  readonly heldOut: readonly EncodedExample[];
  /** General text that steers training, and that which the gate measures. */
  readonly watched: readonly EncodedExample[];
  readonly general: readonly EncodedExample[];
  /** Ids of interactions per stretch, oldest first. */
  readonly interactionIds: {
    readonly training: readonly string[];
    readonly validation: readonly string[];
    readonly heldOut: readonly string[];
  };
  readonly skipped: number;
}

export interface TrainingDataParts {
  readonly encoder: TrainingTextEncoder;
  readonly general: GeneralText;
  readonly compose: ComposePrompt;
}

/** Whose losses say how well a person's words are predicted; answers the user disliked must not count. */
const MEASURED: ReadonlySet<ExampleKind> = new Set(["next_utterance", "accepted", "correction"]);

/**
 * Tokens that are measured of each stretch, as shares of those of a pass: with thousands of turns measuring, several times
 * over, would take longer than training.
 */
const MEASURED_SHARE = { validation: 1 / 4, heldOut: 1 / 2 } as const;
/** Tokens among which the model's entropy may choose, as a multiple of those of a pass. */
const SHORTLIST_SHARE = 2;

/**
 * Builds, splits and encodes the examples of one profile. Pure but for the encoder. Of what is measured the newest are
 * taken, a quarter of `selection.tokenBudget` for validation and a half of it held out.
 */
export async function prepareTrainingData(
  interactions: readonly Interaction[],
  settings: TrainingSettings,
  { encoder, general, compose }: TrainingDataParts,
): Promise<TrainingData> {
  const { tokenBudget } = settings.selection;
  const split = splitByTime(interactions, settings.split);
  const firstValidation = split.training.length;
  const firstHeldOut = firstValidation + split.validation.length;
  const { encoded, skipped } = await encodeExamples(
    await buildExamples(interactions, settings.examples, compose),
    encoder,
    settings.optimiser.maxTokens,
  );
  const measured = encoded.filter(({ example }) => MEASURED.has(example.kind));
  const idsOf = (part: readonly Interaction[]) => part.map(({ id }) => id);
  return {
    candidates: encoded.filter(({ example }) => example.order < firstValidation),
    validation: newestWithin(
      measured.filter(({ example: { order } }) => order >= firstValidation && order < firstHeldOut),
      tokenBudget * MEASURED_SHARE.validation,
    ),
    heldOut: newestWithin(
      measured.filter(({ example }) => example.order >= firstHeldOut),
      tokenBudget * MEASURED_SHARE.heldOut,
    ),
    watched: await encodeGeneral(general.watched, encoder, settings),
    general: await encodeGeneral(general.measured, encoder, settings),
    interactionIds: {
      training: idsOf(split.training),
      validation: idsOf(split.validation),
      heldOut: idsOf(split.heldOut),
    },
    skipped: skipped.length,
  };
}

/** The newest run that fits, oldest first; the newest one in any case. */
function newestWithin(examples: readonly EncodedExample[], tokens: number): readonly EncodedExample[] {
  let left = tokens;
  const tooOld = examples.findLastIndex((each) => {
    left -= each.tokens;
    return left < 0;
  });
  return examples.slice(Math.min(tooOld + 1, examples.length - 1));
}

async function encodeGeneral(
  exchanges: GeneralText["watched"],
  encoder: TrainingTextEncoder,
  settings: TrainingSettings,
): Promise<readonly EncodedExample[]> {
  return (await encodeExamples(generalExamples(exchanges), encoder, settings.optimiser.maxTokens)).encoded;
}

/**
 * The candidates whose entropy is worth measuring, oldest first: none when all fit or another way of selecting is set,
 * otherwise at most two passes' tokens of them, unlike each other.
 */
export async function shortlist(
  candidates: readonly EncodedExample[],
  { selection }: TrainingSettings,
  embedder: SentenceEmbedder,
): Promise<readonly EncodedExample[]> {
  if (selection.method !== "novelty" || !isMoreThan(candidates, selection.tokenBudget)) return [];
  const tokenBudget = SHORTLIST_SHARE * selection.tokenBudget;
  if (!isMoreThan(candidates, tokenBudget)) return candidates;
  const vectors = await embedder.embed(candidates.map(targetText));
  const chosen = await selectExamples(poolOf(candidates, vectors, new Map()), { ...selection, tokenBudget }, 0);
  return chosen.map(({ encoded }) => encoded);
}

/**
 * The lines of one pass: the chosen candidates, oldest first, then replay.
 *
 * @param entropies by example id, from measuring them; empty when not measured. Candidates without one are chosen by
 * novelty alone.
 */
export async function chooseTrainingLines(
  candidates: readonly EncodedExample[],
  entropies: ReadonlyMap<string, number>,
  settings: TrainingSettings,
  seed: number,
  parts: TrainingDataParts & { readonly embedder: SentenceEmbedder },
): Promise<EncodedExample[]> {
  const { selection } = settings;
  const isNovelty = selection.method === "novelty" && isMoreThan(candidates, selection.tokenBudget);
  const vectors = isNovelty ? await parts.embedder.embed(candidates.map(targetText)) : [];
  const chosen = await selectExamples(poolOf(candidates, vectors, entropies), selection, seedFor(seed, "selection"));
  const share = Math.min(0.9, settings.replayShare);
  const replay = replayExamples(
    parts.general.replay,
    Math.round((chosen.length * share) / (1 - share)),
    seedFor(seed, "replay"),
  );
  const { encoded } = await encodeExamples(replay, parts.encoder, settings.optimiser.maxTokens);
  return [...chosen.map((each) => each.encoded), ...encoded];
}

function isMoreThan(examples: readonly EncodedExample[], tokenBudget: number): boolean {
  return examples.reduce((sum, { tokens }) => sum + tokens, 0) > tokenBudget;
}

function poolOf(
  candidates: readonly EncodedExample[],
  vectors: readonly Float32Array[],
  entropies: ReadonlyMap<string, number>,
): (SelectionCandidate & { readonly encoded: EncodedExample })[] {
  return candidates.map((encoded, i) => ({
    encoded,
    id: encoded.example.id,
    domain: encoded.example.domain,
    vector: vectors[i] ?? new Float32Array(0),
    entropy: entropies.get(encoded.example.id) ?? null,
    tokens: encoded.tokens,
    order: encoded.example.order,
  }));
}

function targetText({ example: { text } }: EncodedExample): string {
  return text.kind === "text" ? text.text : (text.messages.at(-1)?.content ?? "");
}
