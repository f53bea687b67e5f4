import type { Clock } from "../../core/clock.ts";
import type { FactStatement } from "../../profile/fact-extractor.ts";
import type { ConsentPurpose, FactKind, Modality, Profile, SignalKind } from "../../profile/ports.ts";
import type { SpokenFeedback } from "../../profile/spoken-feedback.ts";
import {
  BLAMED,
  CONFIRM_AT_DEVICE,
  CORRECTED,
  CORRECTED_UNSTORED,
  consentChanged,
  FORGOTTEN,
  instructionsKept,
  NEEDS_CONSENT,
  NOTHING_TO_REPEAT,
  PRAISED,
} from "./acknowledgements.ts";
import type { ConsentRequest } from "./consent-phrases.ts";
import type { PastTurn } from "./conversation.ts";
import type { Memory } from "./ports.ts";
import type { TurnIntent } from "./turn-intent.ts";

export interface InstructionWorld {
  readonly clock: Clock;
  readonly memory: Memory;
  /** Carries out what needs somebody at the device once the talk button is held, and then says so aloud. */
  whenPresent(action: () => Promise<void>, saidAfterwards: string): void;
  forgetProfile(profileId: string): Promise<void>;
  onFeedback(kind: SignalKind, interactionId: string | null): void;
  onLearned(kind: FactKind): void;
  onConsent(purpose: ConsentPurpose, granted: boolean): void;
}

export type Carried =
  /** The appliance answers by itself; `statements` are still to be learned, with the turn's own id. */
  | { readonly kind: "answered"; readonly answer: string; readonly statements: readonly FactStatement[] }
  /** For the language model. */
  | { readonly kind: "ask"; readonly input: string; readonly statements: readonly FactStatement[] };

/** Does what a turn asks of the appliance itself; what is for the language model comes back as `ask`. */
export async function carryOut(
  world: InstructionWorld,
  intent: TurnIntent,
  text: string,
  profile: Profile,
  previous: PastTurn | null,
  modality: Modality,
): Promise<Carried> {
  switch (intent.kind) {
    case "consent":
      return answered(await changeConsent(world, intent.request, profile, modality));
    case "feedback":
      return takeFeedback(world, intent.feedback, previous);
    case "instruction":
      return carryOutInstructions(world, intent.statements, profile);
    case "question":
      return { kind: "ask", input: text, statements: profile.consent.store ? intent.statements : [] };
  }
}

/** Keeps what the turn said about the user, with the turn as its origin. */
export async function learnStatements(
  world: InstructionWorld,
  statements: readonly FactStatement[],
  profile: Profile,
  interactionId: string | null,
): Promise<void> {
  for (const statement of statements) {
    if (statement.kind !== "learn") continue;
    const outcome = await world.memory.learnFact(profile.id, { ...statement.fact, interactionId });
    if (outcome.kind === "stored") world.onLearned(statement.fact.kind);
  }
}

function answered(answer: string, statements: readonly FactStatement[] = []): Carried {
  return { kind: "answered", answer, statements };
}

/** Granting needs presence: spoken at the device, or the talk button held. Withdrawing works from anywhere, at once. */
async function changeConsent(
  { memory, onConsent, whenPresent }: InstructionWorld,
  request: ConsentRequest,
  profile: Profile,
  modality: Modality,
): Promise<string> {
  const { purpose, granted } = request;
  if (granted && modality === "text") {
    whenPresent(async () => {
      await memory.setConsent(profile.id, purpose, true, "button");
      onConsent(purpose, true);
    }, consentChanged(request));
    return CONFIRM_AT_DEVICE;
  }
  await memory.setConsent(profile.id, purpose, granted, modality === "text" ? "cli" : "spoken");
  onConsent(purpose, granted);
  return consentChanged(request);
}

async function takeFeedback(
  world: InstructionWorld,
  feedback: SpokenFeedback,
  previous: PastTurn | null,
): Promise<Carried> {
  const correction = feedback.kind === "correction" ? feedback.target : null;
  const interactionId = previous?.interactionId ?? null;
  if (interactionId !== null) {
    await world.memory.addSignal(interactionId, { kind: feedback.kind, atMs: world.clock.now(), correction });
  }
  world.onFeedback(feedback.kind, interactionId);
  switch (feedback.kind) {
    case "praise":
      return answered(PRAISED);
    case "complaint":
      return answered(BLAMED);
    case "stop":
      return answered("");
    case "repeat_request":
      return answered(previous?.answer ?? NOTHING_TO_REPEAT);
    case "correction":
      if (feedback.about === "request") return { kind: "ask", input: feedback.target, statements: [] };
      return answered(interactionId === null ? CORRECTED_UNSTORED : CORRECTED);
  }
}

async function carryOutInstructions(
  world: InstructionWorld,
  statements: readonly FactStatement[],
  profile: Profile,
): Promise<Carried> {
  let forgotten = 0;
  for (const statement of statements) {
    if (statement.kind === "forget") forgotten += await world.memory.forgetFacts(profile.id, statement.topic);
    if (statement.kind === "forget_all") world.whenPresent(() => world.forgetProfile(profile.id), FORGOTTEN);
  }
  const toLearn = statements.filter((statement) => statement.kind === "learn");
  if (toLearn.length > 0 && !profile.consent.store) return answered(NEEDS_CONSENT);
  return answered(instructionsKept(statements, forgotten), toLearn);
}
