import type { Clock } from "../../core/clock.ts";
import { type AppError, isAppError, toAppError } from "../../core/errors.ts";
import type { AudioOutput, PcmAudio, TextToSpeech } from "../ports.ts";
import { SentenceSplitter } from "./sentence-splitter.ts";

/** What became of one utterance. Holds the assistant's text: user text, never log it. */
export interface SpeechReport {
  readonly outcome: "played" | "stopped" | "failed";
  /** Sentences heard to the end, joined by spaces. */
  readonly spokenText: string;
  /** The sentence that was being played when speech stopped or failed, else null. */
  readonly interruptedSentence: string | null;
  /** Monotonic instants, ms; null = never got there. */
  readonly firstSentenceMs: number | null;
  readonly firstSynthesisedMs: number | null;
  /** When the first audio was handed to the output. */
  readonly firstAudioMs: number | null;
  /** Time in the voice, ms, all sentences. */
  readonly synthesisMs: number;
  /** Length of the audio of the sentences heard to the end, ms. */
  readonly audioMs: number;
  /** File with what was heard, when the output keeps one. */
  readonly recordingPath: string | null;
  /** Why it failed: E_TTS_UNAVAILABLE, E_TTS_FAILED, E_AUDIO_OUTPUT_UNAVAILABLE, E_DISK_FULL, ...; null otherwise. */
  readonly error: AppError | null;
}

/** Instants of one utterance as they happen, monotonic ms; each is called once, before the audio it speaks of. */
export interface SpeechObserver {
  onFirstSentence?(atMs: number): void;
  onFirstAudio?(atMs: number): void;
}

export interface SpeakerOptions {
  readonly voice: TextToSpeech;
  readonly output: AudioOutput;
  readonly clock: Clock;
}

/**
 * Speaks text while it is still being written: each sentence goes to the voice as soon as it is complete, and sentence
 * n + 1 is synthesised while n plays.
 */
export class Speaker {
  readonly #options: SpeakerOptions;
  #current: Speech | null = null;

  constructor(options: SpeakerOptions) {
    this.#options = options;
  }

  get isSpeaking(): boolean {
    return this.#current !== null;
  }

  /**
   * Starts an utterance; one still running is stopped first and the new one waits until its output is free.
   * @param signal aborting it is {@link Speech.stop}.
   */
  begin(signal?: AbortSignal, observer: SpeechObserver = {}): Speech {
    const before = this.#current;
    before?.stop();
    const speech = new Speech(this.#options, observer, before?.done ?? Promise.resolve(null), signal);
    this.#current = speech;
    void speech.done.then(() => {
      if (this.#current === speech) this.#current = null;
    });
    return speech;
  }

  /** {@link begin}, {@link Speech.push} for every piece, {@link Speech.finish}. */
  async speak(
    pieces: Iterable<string> | AsyncIterable<string>,
    signal?: AbortSignal,
    observer: SpeechObserver = {},
  ): Promise<SpeechReport> {
    const speech = this.begin(signal, observer);
    try {
      for await (const piece of pieces) speech.push(piece);
    } catch (error) {
      speech.stop();
      await speech.done;
      throw error;
    }
    return await speech.finish();
  }

  /** Barge-in: whatever plays falls silent within 200 ms; resolves when it has. */
  async stop(): Promise<void> {
    this.#current?.stop();
    await this.#current?.done;
  }
}

interface Spoken {
  readonly sentence: string;
  readonly audio: PcmAudio;
}

/** One utterance being spoken. */
export class Speech {
  /** The report, once everything was played, stopped or failed. Never rejects. */
  readonly done: Promise<SpeechReport>;
  readonly #options: SpeakerOptions;
  readonly #observer: SpeechObserver;
  readonly #splitter = new SentenceSplitter();
  readonly #stopping = new AbortController();
  readonly #sentences: string[] = [];
  #isComplete = false;
  #notify: () => void = () => {};
  #firstSentenceMs: number | null = null;
  #firstSynthesisedMs: number | null = null;
  #firstAudioMs: number | null = null;
  #synthesisMs = 0;
  #audioMs = 0;
  readonly #heard: string[] = [];
  #interrupted: string | null = null;

  /** Use {@link Speaker.begin}. */
  constructor(
    options: SpeakerOptions,
    observer: SpeechObserver,
    outputFree: Promise<unknown>,
    signal: AbortSignal | undefined,
  ) {
    this.#options = options;
    this.#observer = observer;
    const onAbort = () => this.stop();
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    this.done = this.#run(outputFree).finally(() => signal?.removeEventListener("abort", onAbort));
  }

  /** Adds a piece of text; ignored after `finish` or `stop`. */
  push(piece: string): void {
    if (!this.#isComplete) this.#add(this.#splitter.push(piece));
  }

  /** No more text: speaks the rest and resolves with the report. */
  finish(): Promise<SpeechReport> {
    if (!this.#isComplete) this.#add(this.#splitter.end());
    this.#isComplete = true;
    this.#notify();
    return this.done;
  }

  /** Silence now; `done` follows within 200 ms. Safe to call twice. */
  stop(): void {
    this.#isComplete = true;
    this.#stopping.abort();
    this.#notify();
  }

  #add(sentences: readonly string[]): void {
    if (sentences.length === 0) return;
    if (this.#firstSentenceMs === null) {
      this.#firstSentenceMs = this.#options.clock.monotonicMs();
      this.#observer.onFirstSentence?.(this.#firstSentenceMs);
    }
    this.#sentences.push(...sentences);
    this.#notify();
  }

  async #run(outputFree: Promise<unknown>): Promise<SpeechReport> {
    let error: AppError | null = null;
    try {
      await outputFree;
      await this.#playAll();
    } catch (caught) {
      if (!isAppError(caught, "E_ABORTED")) error = toAppError(caught, "E_INTERNAL", "speech failed");
      // a voice that was still at work on the next sentence is no longer needed
      this.stop();
    }
    const isStopped = this.#stopping.signal.aborted;
    let recordingPath: string | null = null;
    try {
      recordingPath = await this.#options.output.endUtterance();
    } catch (caught) {
      error ??= toAppError(caught, "E_INTERNAL", "the recording was not kept");
    }
    return {
      outcome: error !== null ? "failed" : isStopped ? "stopped" : "played",
      spokenText: this.#heard.join(" "),
      interruptedSentence: this.#interrupted,
      firstSentenceMs: this.#firstSentenceMs,
      firstSynthesisedMs: this.#firstSynthesisedMs,
      firstAudioMs: this.#firstAudioMs,
      synthesisMs: this.#synthesisMs,
      audioMs: this.#audioMs,
      recordingPath,
      error,
    };
  }

  async #playAll(): Promise<void> {
    const { clock, output } = this.#options;
    let ahead = this.#synthesizeNext();
    for (let spoken = await ahead; spoken !== null; spoken = await ahead) {
      ahead = this.#synthesizeNext();
      // its error is thrown where it is awaited, or dropped with the rest of the utterance
      ahead.catch(() => {});
      if (this.#stopping.signal.aborted) return;
      const { sentence, audio } = spoken;
      if (audio.samples.length === 0) continue;
      if (this.#firstAudioMs === null) {
        this.#firstAudioMs = clock.monotonicMs();
        this.#observer.onFirstAudio?.(this.#firstAudioMs);
      }
      this.#interrupted = sentence;
      if ((await output.play(audio, this.#stopping.signal)) === "stopped") return;
      this.#interrupted = null;
      this.#heard.push(sentence);
      this.#audioMs += (audio.samples.length / audio.sampleRateHz) * 1000;
    }
  }

  /** Waits for the next sentence and turns it into audio; null when there is none or speech was stopped. */
  async #synthesizeNext(): Promise<Spoken | null> {
    while (this.#sentences.length === 0 && !this.#isComplete) {
      await new Promise<void>((resolve) => {
        this.#notify = resolve;
      });
    }
    const sentence = this.#sentences.shift();
    if (sentence === undefined || this.#stopping.signal.aborted) return null;
    const { clock, voice } = this.#options;
    const startMs = clock.monotonicMs();
    const audio = await voice.synthesize(sentence, this.#stopping.signal);
    const endMs = clock.monotonicMs();
    this.#synthesisMs += endMs - startMs;
    this.#firstSynthesisedMs ??= endMs;
    return { sentence, audio };
  }
}
