import { mapInPieces } from "../core/map-in-pieces.ts";
import type { Domain, Interaction } from "../profile/ports.ts";
import type { TrainingMessage, TrainingText } from "./ports.ts";
import type { ExampleSettings } from "./training-settings.ts";

/** Interactions looked at before the event loop gets its turn. */
const AT_ONCE = 32;

export type ExampleKind = "next_utterance" | "accepted" | "correction" | "feedback" | "replay";

/** One thing to learn, with where it came from. `text` is user text. */
export interface TrainingExample {
  /** Unique: interaction id and kind, or the line of general text. */
  readonly id: string;
  readonly kind: ExampleKind;
  readonly objective: { readonly kind: "ce" } | { readonly kind: "kto"; readonly desirable: boolean };
  /** Share in the loss, > 0. */
  readonly weight: number;
  readonly text: TrainingText;
  /** Every interaction whose words are in it, targets and context alike: deleting one of them taints the example. */
  readonly interactionIds: readonly string[];
  /** Null for replay. */
  readonly domain: Domain | null;
  /** Position of its interaction among all, oldest 0; -1 for replay. */
  readonly order: number;
}

/**
 * The prompt in front of an answer, as the assistant would compose it: earlier turns oldest first, then the
 * interaction's own input as the last message.
 */
export type ComposePrompt = (interaction: Interaction, history: readonly Interaction[]) => readonly TrainingMessage[];

/** Earlier turns and the input, nothing else. */
export const plainPrompt: ComposePrompt = (interaction, history) => [
  ...history.flatMap(({ input, answer }): TrainingMessage[] => [
    { role: "user", content: input },
    { role: "assistant", content: answer },
  ]),
  { role: "user", content: interaction.input },
];

/**
 * Self-supervised examples of design section 4, (a) to (d), in the order of their interactions. Pure: the same
 * interactions give the same examples, and one that is missing changes nothing but what had its words in it.
 * Gives way to other work in between.
 *
 * @param interactions of one profile, oldest first by the store's own order, which a clock set back does not change.
 */
export async function buildExamples(
  interactions: readonly Interaction[],
  settings: ExampleSettings,
  compose: ComposePrompt = plainPrompt,
): Promise<TrainingExample[]> {
  const built = await mapInPieces(interactions, AT_ONCE, (interaction, order) =>
    examplesOf(interaction, placeOf(interactions, order, settings), settings, compose),
  );
  return built.flat();
}

/** Where an interaction stands among the others. */
interface Place {
  readonly order: number;
  readonly history: readonly Interaction[];
  readonly next: Interaction | undefined;
}

function placeOf(interactions: readonly Interaction[], order: number, settings: ExampleSettings): Place {
  return { order, history: historyOf(interactions, order, settings), next: interactions[order + 1] };
}

function examplesOf(
  interaction: Interaction,
  { order, history, next }: Place,
  settings: ExampleSettings,
  compose: ComposePrompt,
): TrainingExample[] {
  const origin = {
    interactionIds: [...history, interaction].map(({ id }) => id),
    domain: interaction.domain,
    order,
  };
  const prompt = compose(interaction, history);
  const ce = { kind: "ce" } as const;
  const examples: TrainingExample[] = [];
  if (settings.nextUtterance && settings.nextUtteranceWeight > 0 && interaction.input.trim() !== "") {
    const text = { kind: "messages", messages: prompt, learn: "last" } as const;
    const weight = settings.nextUtteranceWeight;
    examples.push({ ...origin, id: `${interaction.id}.u`, kind: "next_utterance", objective: ce, weight, text });
  }
  if (interaction.answer.trim() !== "") {
    const accepted = acceptedWeight(interaction);
    const text = answered(prompt, interaction.answer);
    if (settings.acceptedAnswers && accepted > 0) {
      examples.push({
        ...origin,
        id: `${interaction.id}.a`,
        kind: "accepted",
        objective: ce,
        weight: accepted,
        text,
      });
    }
    const desirable = explicitVerdict(interaction);
    if (settings.feedback && settings.feedbackWeight > 0 && desirable !== null) {
      const objective = { kind: "kto", desirable } as const;
      const weight = settings.feedbackWeight;
      examples.push({ ...origin, id: `${interaction.id}.k`, kind: "feedback", objective, weight, text });
    }
  }
  const target = settings.corrections ? answerCorrection(interaction, next) : null;
  if (target !== null) {
    const text = answered(prompt, target);
    examples.push({ ...origin, id: correctionId(interaction), kind: "correction", objective: ce, weight: 1, text });
  }
  return examples;
}

/** Id of the example that an interaction's correction makes. */
export function correctionId({ id }: Pick<Interaction, "id">): string {
  return `${id}.c`;
}

/**
 * The standing correction of an answer, or null. A correction of the request ("no, I meant the kitchen") is no answer:
 * it was asked as the next turn.
 */
export function answerCorrection(interaction: Interaction, next: Interaction | undefined): string | null {
  let target: string | null = null;
  for (const { kind, correction } of interaction.signals) {
    if (kind === "correction" && correction !== null && correction.trim() !== "") target = correction.trim();
    if (kind === "thumb_up" || kind === "praise") target = null;
  }
  if (target === null || next?.input.trim().toLowerCase() === target.toLowerCase()) return null;
  return target;
}

function historyOf(interactions: readonly Interaction[], order: number, settings: ExampleSettings): Interaction[] {
  const history: Interaction[] = [];
  let later = interactions[order];
  for (let i = order - 1; i >= 0 && history.length < settings.historyTurns; i -= 1) {
    const turn = interactions[i];
    if (turn === undefined || later === undefined) break;
    // A clock set back between two turns says nothing about the pause: taken as none known, so a new conversation.
    const pauseMs = later.atMs - turn.atMs;
    if (pauseMs < 0 || pauseMs > settings.conversationGapMs) break;
    history.unshift(turn);
    later = turn;
  }
  return history;
}

function acceptedWeight({ satisfaction: { estimate, confidence } }: Interaction): number {
  return Math.max(0, estimate * confidence);
}

/** True, false, or null without explicit feedback; the newest decides. */
function explicitVerdict({ signals }: Interaction): boolean | null {
  let verdict: boolean | null = null;
  for (const { kind } of signals) {
    if (kind === "thumb_up" || kind === "praise") verdict = true;
    if (kind === "thumb_down" || kind === "complaint" || kind === "correction") verdict = false;
  }
  return verdict;
}

function answered(prompt: readonly TrainingMessage[], answer: string): TrainingText {
  return { kind: "messages", messages: [...prompt, { role: "assistant", content: answer }], learn: "last" };
}
