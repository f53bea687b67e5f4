import { promisify } from "node:util";
import { silentLogger } from "../../src/core/logger.ts";
import { HashedNgramEmbedder } from "../../src/profile/hashed-ngram-embedder.ts";
import type { OpenProfileStore } from "../../src/profile/open-profile-store.ts";
import { type ConsentConsequence, NO_CONSEQUENCE } from "../../src/runtime/dialog/consent-consequence.ts";
import { type DialogConfig, type DialogEvents, DialogService } from "../../src/runtime/dialog/dialog-service.ts";
import { type Phase, PhaseTracker } from "../../src/runtime/dialog/phase.ts";
import { PresenceGate } from "../../src/runtime/dialog/presence.ts";
import { buildPrompt } from "../../src/runtime/llm/prompt.ts";
import { Speaker } from "../../src/runtime/output/speaker.ts";
import type { LanguageModel } from "../../src/runtime/ports.ts";
import { memoryOf } from "../../src/runtime/service/memory.ts";
import { FakeClock } from "./fake-clock.ts";
import { MemoryOutput } from "./memory-output.ts";
import { openTestStore } from "./profile-store.ts";
import { type Script, ScriptedLanguageModel } from "./scripted-language-model.ts";
import { makeTempDir, type TempDir } from "./temp-dir.ts";
import { ToneVoice } from "./tone-voice.ts";

/** Fake time per millisecond of real time. */
const STEP_MS = 5;
const nextMillisecond = promisify(setTimeout);

const CONFIG: DialogConfig = {
  feedbackWindowMs: 8_000,
  rephraseWindowMs: 30_000,
  historyTurns: 6,
  turnTimeoutMs: 60_000,
  factTokens: 200,
  exchangeTokens: 300,
  maxExchanges: 3,
  maxAnswerTokens: 96,
  temperature: 0,
  askConsent: false,
  guestMinutes: 120,
};

interface DialogRigOptions {
  readonly script?: Script | undefined;
  /** Default false: the rig's profile is not asked. */
  readonly askConsent?: boolean;
}

/** The dialog on a real profile database, the real speaker and prompt builder, with fakes at the ports only. */
export class DialogRig implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly voice: ToneVoice;
  readonly output = new MemoryOutput(this.clock);
  readonly phase: PhaseTracker;
  readonly presence = new PresenceGate(this.clock);
  readonly phases: Phase[] = [];
  readonly events: { readonly [K in keyof DialogEvents]: DialogEvents[K][] };
  readonly dialog: DialogService;
  readonly profiles: OpenProfileStore;
  readonly model: ScriptedLanguageModel;
  /** What the dialog is given; null = not loaded. */
  loaded: LanguageModel | null;
  wakes = 0;
  readonly #folder: TempDir;

  /** What learning says to a change of consent. */
  consequence: ConsentConsequence = NO_CONSEQUENCE;
  /** Guest mode as the adaptation layer was told. */
  readonly guest: boolean[] = [];

  private constructor(folder: TempDir, profiles: OpenProfileStore, options: DialogRigOptions) {
    this.#folder = folder;
    this.profiles = profiles;
    // The questions are long.
    this.voice = options.askConsent === true ? new ToneVoice(this.clock, 1, 2) : new ToneVoice(this.clock, 10);
    this.model = new ScriptedLanguageModel(options.script);
    this.loaded = this.model;
    const onHandlerError = (_event: string, error: unknown) => {
      throw error;
    };
    this.phase = new PhaseTracker(this.clock, onHandlerError);
    this.phase.onChange(({ phase }) => this.phases.push(phase));
    const { clock, presence, phase } = this;
    this.dialog = new DialogService(
      {
        clock,
        log: silentLogger,
        memory: memoryOf(profiles.store, new HashedNgramEmbedder(), () => true),
        voice: new Speaker({ voice: this.voice, output: this.output, clock }),
        ears: {
          wake: () => {
            this.wakes += 1;
          },
        },
        phase,
        presence,
        model: () => this.loaded,
        composePrompt: ({ context, history, input }) =>
          buildPrompt({
            persona: "You are a test.",
            context,
            recent: history,
            input,
            nowMs: clock.now(),
            timeZone: "UTC",
            addressByName: false,
            isSmallModel: false,
          }),
        adapterVersion: () => null,
        beforeAnswer: async () => {},
        forgetProfile: async (id) => {
          await profiles.archive.forget(id);
        },
        followConsent: async () => this.consequence,
        onGuest: async (isGuest) => {
          this.guest.push(isGuest);
        },
        onSpoken: () => {},
      },
      { ...CONFIG, askConsent: options.askConsent ?? false },
    );
    this.events = {
      wake: [],
      heard: [],
      turn: [],
      feedback: [],
      consent: [],
      learned: [],
      declined: [],
      guest: [],
    };
    for (const event of Object.keys(this.events) as (keyof DialogEvents)[]) this.#collect(event);
  }

  static async open(script?: Script, options: Omit<DialogRigOptions, "script"> = {}): Promise<DialogRig> {
    const folder = await makeTempDir("dialog");
    return new DialogRig(folder, await openTestStore(folder), { ...options, script });
  }

  /** Moves time on until the promise settles. */
  async drive<T>(promise: Promise<T>): Promise<T> {
    const state = { isSettled: false };
    const settle = () => {
      state.isSettled = true;
    };
    promise.then(settle, settle);
    await this.until(() => state.isSettled);
    return promise;
  }

  /** Moves time on until the condition holds. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await this.clock.advance(STEP_MS);
      // The database works in real time: fake time must not run away from it on a busy machine.
      await nextMillisecond(1);
    }
  }

  /** One spoken turn, to its end. */
  async hear(text: string): Promise<void> {
    await this.drive(this.dialog.heard({ text, endOfSpeechMs: this.clock.monotonicMs() }, "voice"));
  }

  /** One typed turn, to its end; the answer. */
  async type(text: string): Promise<string> {
    const { signal } = new AbortController();
    return (await this.drive(this.dialog.say(text, { aloud: false, onText: () => {}, signal }))).answer;
  }

  async grant(): Promise<string> {
    const { id } = await this.profiles.store.active();
    await this.dialog.setConsent(id, "store", true, "button");
    return id;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dialog.stop();
    await this.profiles.close();
    await this.#folder.dispose();
  }

  #collect<K extends keyof DialogEvents>(event: K): void {
    this.dialog.on(event, (payload) => this.events[event].push(payload));
  }
}
