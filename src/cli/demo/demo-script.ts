import { AppError } from "../../core/errors.ts";
import type { ProfileSummary } from "../../profile/ports.ts";
import { becomeAnotherPerson, type LearningFindings, learnFromPerson } from "./demo-learning.ts";
import { recordHuman, recordSentence } from "./demo-recordings.ts";
import type { DemoService } from "./demo-service.ts";
import type { SeenEvent } from "./watched-service.ts";

const TURN_MS = 40_000;
const WAKE_MS = 6_000;

/** What the demo found out; the summary is printed from it. */
export interface DemoFindings {
  readonly heardExactly: boolean;
  readonly answerBefore: string;
  readonly answerAfter: string;
  readonly wokenByPhrase: boolean;
  readonly humanHeard: string | null;
  readonly learning: LearningFindings;
  readonly profile: ProfileSummary;
  /** From end of speech to first audio of every spoken answer, ms. */
  readonly firstAudioMs: readonly number[];
  readonly recordings: readonly string[];
}

/** Speaks to the running service as a user would; `say` prints what is about to happen, `setQuiet` leaves single turns out. */
export async function playScript(
  service: DemoService,
  folder: string,
  say: (line: string) => void,
  setQuiet: (quiet: boolean) => void,
): Promise<DemoFindings> {
  const spoken: SeenEvent[] = [];
  const REQUEST = "turn on the kitchen lights";

  const turn = async (name: string, sentence: string): Promise<SeenEvent> => {
    const from = service.position;
    await service.call("listen", { path: await recordSentence(folder, name, sentence) });
    const done = await service.next(from, `the answer to "${sentence}"`, TURN_MS, endsTurn);
    spoken.push(done);
    return done;
  };
  const heardSince = async (from: number) => {
    const { data } = await service.next(from, "a transcript", TURN_MS, ({ event }) => event === "heard");
    return String(data.text);
  };

  say("1. A spoken request, after a press of the talk button. Nothing is stored: nobody has allowed it yet.");
  const first = service.position;
  const before = await turn("request", REQUEST);
  const heard = await heardSince(first);

  say("2. Consent, spoken at the device. From here on the conversation is kept, encrypted.");
  await turn("consent", "you may remember what i say");

  say("3. The profile learns a name, and the next answer is another one.");
  await turn("name", "call me sam");
  const after = await turn("request-again", REQUEST);

  say("4. Feedback: thumb up by button; then another answer, thumb down, and a correction.");
  await rate(service, "up");
  await turn("question", "is the garage door open");
  await rate(service, "down");
  await service.call("feedback", { kind: "correction", correction: "The garage door is open." });

  say("5. Woken by its wake phrase instead of the button.");
  const woken = await wakeByPhrase(service, folder);
  if (woken !== null) spoken.push(woken);

  say("6. Interrupted while it speaks: the talk button silences it.");
  await interrupt(service, folder);

  const human = await recordHuman(folder);
  let humanHeard: string | null = null;
  if (human !== null) {
    say('7. A recording of a real person ("go forward ten meters").');
    const from = service.position;
    await service.call("listen", { path: human });
    humanHeard = await heardSince(from).catch(() => null);
  }
  const profile = (await service.call("profileShow", { profile: null })) as ProfileSummary;

  say("8. A second person with a profile of her own allows learning, by holding the talk button.");
  await becomeAnotherPerson(service);
  say(
    "9. It learns: 32 turns of hers, each answer corrected; then a real training job, measured on words it never saw.",
  );
  setQuiet(true);
  const learning = await learnFromPerson(service);
  setQuiet(false);
  return {
    heardExactly: heard === REQUEST,
    answerBefore: String(before.data.answer),
    answerAfter: String(after.data.answer),
    wokenByPhrase: woken !== null,
    humanHeard,
    learning,
    profile,
    firstAudioMs: spoken.flatMap(({ data }) => {
      const { firstAudioMs } = (data.stages ?? {}) as { firstAudioMs?: number | null };
      return typeof firstAudioMs === "number" ? [firstAudioMs] : [];
    }),
    recordings: spoken.flatMap(({ data }) => (typeof data.recordingPath === "string" ? [data.recordingPath] : [])),
  };
}

function endsTurn({ event, data }: SeenEvent): boolean {
  if (event === "turn" && data.errorCode !== null) {
    throw new AppError("E_INTERNAL", `a turn of the demo failed with ${String(data.errorCode)}`);
  }
  return event === "turn";
}

async function rate(service: DemoService, button: "up" | "down"): Promise<void> {
  const from = service.position;
  await service.call("press", { button, holdMs: 80 });
  await service.next(from, `the thumb-${button} feedback`, 5_000, ({ event }) => event === "feedback");
}

/** The turn after the wake phrase, or null when it did not wake or was not understood. */
async function wakeByPhrase(service: DemoService, folder: string): Promise<SeenEvent | null> {
  const from = service.position;
  await service.call("play", { path: await recordSentence(folder, "wake", "okay computer", "rms") });
  const wake = service.next(from, "the wake phrase", WAKE_MS, ({ event }) => event === "wake");
  if ((await wake.catch(() => null)) === null) return null;
  const question = await recordSentence(folder, "after-wake", "what is the temperature in the bedroom");
  await service.call("play", { path: question });
  const ended = ({ event }: SeenEvent) => event === "turn" || event === "declined";
  const done = await service.next(from, "the answer after the wake phrase", TURN_MS, ended);
  return done.event === "turn" ? done : null;
}

async function interrupt(service: DemoService, folder: string): Promise<void> {
  const from = service.position;
  const path = await recordSentence(folder, "long", "tell me about the movie");
  const answered = service.call("listen", { path });
  await service.next(
    from,
    "speech to interrupt",
    TURN_MS,
    ({ event, data }) => event === "phase" && data.phase === "speaking",
  );
  await service.call("press", { button: "talk", holdMs: 80 });
  await answered;
  await service.next(from, "the end of listening", TURN_MS, ({ event }) => event === "declined");
}
