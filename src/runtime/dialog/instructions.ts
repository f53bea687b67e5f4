import type { Clock } from "../../core/clock.ts";
import type { FactStatement } from "../../profile/fact-extractor.ts";
import type { ConsentOrigin, ConsentPurpose, FactKind, Profile, SignalKind } from "../../profile/ports.ts";
import type { SpokenFeedback } from "../../profile/spoken-feedback.ts";
import {
  BLAMED,
  CONFIRM_AT_DEVICE,
  CORRECTED,
  CORRECTED_UNSTORED,
  consentChanged,
  FORGOTTEN,
  GUEST_KEEPS_NOTHING,
  GUEST_OFF,
  GUEST_ON,
  instructionsKept,
  NEEDS_CONSENT,
  NOTHING_TO_REPEAT,
  PRAISED,
} from "./acknowledgements.ts";
import { type ConsentConsequence, NO_CONSEQUENCE } from "./consent-consequence.ts";
import type { ConsentInterview } from "./consent-interview.ts";
import type { ConsentRequest } from "./consent-phrases.ts";
import type { PastTurn } from "./conversation.ts";
import type { GuestMode } from "./guest-mode.ts";
import type { Memory } from "./ports.ts";
import type { TurnIntent } from "./turn-intent.ts";

export interface InstructionWorld {
  readonly clock: Clock;
  readonly memory: Memory;
  readonly interview: ConsentInterview;
  readonly guests: GuestMode;
  /** Carries out what needs somebody at the device once the talk button is held, and then says so aloud. */
  whenPresent(action: () => Promise<void>, saidAfterwards: string): void;
  forgetProfile(profileId: string): Promise<void>;
  onFeedback(kind: SignalKind, interactionId: string | null): void;
  onLearned(kind: FactKind): void;
  changeConsent(
    profileId: string,
    purpose: ConsentPurpose,
    granted: boolean,
    origin: ConsentOrigin,
  ): Promise<ConsentConsequence>;
}

export type Carried =
  /** The appliance answers by itself; `statements` are still to be learned, with the turn's own id. */
  | { readonly kind: "answered"; readonly answer: string; readonly statements: readonly FactStatement[] }
  /** For the language model. */
  | { readonly kind: "ask"; readonly input: string; readonly statements: readonly FactStatement[] };

/** Where and by whom something was said. */
export interface Circumstances {
  /** Null for a guest. */
  readonly profile: Profile | null;
  readonly previous: PastTurn | null;
  /** Spoken to the device itself, not typed or played into it from elsewhere. */
  readonly isAtDevice: boolean;
}

/** Does what a turn asks of the appliance itself; what is for the language model comes back as `ask`. */
export async function carryOut(
  world: InstructionWorld,
  intent: TurnIntent,
  text: string,
  { profile, previous, isAtDevice }: Circumstances,
): Promise<Carried> {
  switch (intent.kind) {
    case "guest":
      return answered(await changeGuest(world, intent.change));
    case "feedback":
      return takeFeedback(world, intent.feedback, previous);
    case "consent":
      if (profile === null) return answered(GUEST_KEEPS_NOTHING);
      return answered(await changeConsent(world, intent.request, profile, isAtDevice));
    case "explain_consent":
      return answered(profile === null ? GUEST_KEEPS_NOTHING : await world.interview.explain(profile));
    case "instruction":
      return profile === null ? answered(GUEST_KEEPS_NOTHING) : carryOutInstructions(world, intent.statements, profile);
    case "question":
      return { kind: "ask", input: text, statements: profile?.consent.store === true ? intent.statements : [] };
  }
}

async function changeGuest({ guests }: InstructionWorld, change: "on" | "off"): Promise<string> {
  await guests.set(change === "on");
  return change === "on" ? GUEST_ON : GUEST_OFF;
}

/** Keeps what the turn said about the user, with the turn as its origin. */
export async function learnStatements(
  world: InstructionWorld,
  statements: readonly FactStatement[],
  profile: Profile | null,
  interactionId: string | null,
): Promise<void> {
  if (profile === null) return;
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
  world: InstructionWorld,
  request: ConsentRequest,
  profile: Profile,
  isAtDevice: boolean,
): Promise<string> {
  const { purpose, granted } = request;
  if (granted && !isAtDevice) {
    world.whenPresent(
      async () => {
        await world.changeConsent(profile.id, purpose, true, "button");
      },
      consentChanged(request, NO_CONSEQUENCE),
    );
    return CONFIRM_AT_DEVICE;
  }
  const consequence = await world.changeConsent(profile.id, purpose, granted, isAtDevice ? "spoken" : "cli");
  return consentChanged(request, consequence);
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
