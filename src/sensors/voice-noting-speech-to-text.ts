import type { AudioFrame, SpeakerRecogniser, SpeechToText, Transcript, Utterance, VoiceSample } from "./ports.ts";

/**
 * A recogniser whose transcripts also say how the voice sounded, while somebody wants to know. Without a wish no voice print is
 * computed; a failing speaker model costs the print, never the transcript.
 */
export class VoiceNotingSpeechToText implements SpeechToText {
  readonly name: string;
  readonly #inner: SpeechToText;
  readonly #speaker: SpeakerRecogniser;
  readonly #isWanted: () => boolean;

  /** @param inner borrowed, as is `speaker`. */
  constructor(inner: SpeechToText, speaker: SpeakerRecogniser, isWanted: () => boolean) {
    this.name = inner.name;
    this.#inner = inner;
    this.#speaker = speaker;
    this.#isWanted = isWanted;
  }

  begin(): Utterance {
    const words = this.#inner.begin();
    return this.#isWanted() ? new NotedUtterance(words, this.#speaker.begin(), this.#speaker.model) : words;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

class NotedUtterance implements Utterance {
  readonly #words: Utterance;
  readonly #voice: VoiceSample;
  readonly #model: string;

  constructor(words: Utterance, voice: VoiceSample, model: string) {
    this.#words = words;
    this.#voice = voice;
    this.#model = model;
  }

  accept(frame: AudioFrame): void {
    this.#words.accept(frame);
    this.#voice.accept(frame);
  }

  async finish(): Promise<Transcript> {
    const print = this.#voice.finish().catch(() => null);
    const transcript = await this.#words.finish();
    const vector = transcript.text === "" ? null : await print;
    return vector === null ? transcript : { ...transcript, voice: { model: this.#model, print: vector } };
  }

  cancel(): void {
    this.#words.cancel();
    this.#voice.cancel();
  }
}
