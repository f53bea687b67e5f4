import { connect, type Socket } from "node:net";
import type { Clock } from "../../core/clock.ts";
import { AppError, systemErrorCode, toAppError } from "../../core/errors.ts";
import { encodeWyomingEvent, type WyomingEvent, WyomingReader } from "../../core/wyoming-event.ts";
import type { PcmAudio, TextToSpeech } from "../ports.ts";
import { speakableText } from "./speakable-text.ts";

/** Nothing from the server for this long ends the call, ms; big voices on small servers take seconds to begin. */
const SILENCE_MS = 15_000;
/** 5 minutes of 16-bit mono at 22 050 Hz, bytes: more than any sentence. */
const MAX_AUDIO_BYTES = 13_000_000;
const EMPTY_RATE_HZ = 22_050;

export interface WyomingOptions {
  /** `tcp://host:port`, the port of wyoming-piper is 10200. */
  readonly uri: string;
  /** Voice of the server; "" = its default. */
  readonly voice: string;
  readonly clock: Clock;
}

/**
 * A voice on a Wyoming server, e.g. wyoming-piper on another machine of the house. One connection per sentence. The
 * protocol has neither encryption nor log-in: the text is readable on the way.
 *
 * @see https://github.com/OHF-Voice/wyoming#text-to-speech
 */
export class WyomingTextToSpeech implements TextToSpeech {
  readonly name: string;
  readonly #options: WyomingOptions;

  constructor(options: WyomingOptions) {
    this.#options = options;
    this.name = `Wyoming ${options.uri}`;
  }

  async synthesize(text: string, signal: AbortSignal): Promise<PcmAudio> {
    const speech = speakableText(text);
    if (speech === "") return { samples: new Int16Array(0), sampleRateHz: EMPTY_RATE_HZ };
    if (signal.aborted) throw aborted();
    const { hostname, port } = new URL(this.#options.uri);
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) });
    try {
      return await this.#converse(socket, speech, signal);
    } finally {
      socket.destroy();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #converse(socket: Socket, speech: string, signal: AbortSignal): Promise<PcmAudio> {
    const { clock, uri, voice } = this.#options;
    const collector = new AudioCollector();
    return new Promise((resolve, reject) => {
      let cancelSilence = () => {};
      let isConnected = false;
      const end = (settle: () => void) => {
        cancelSilence();
        signal.removeEventListener("abort", onAbort);
        settle();
      };
      const fail = (error: AppError) => end(() => reject(error));
      const onAbort = () => fail(aborted());
      const watchSilence = () => {
        cancelSilence();
        cancelSilence = clock.after(SILENCE_MS, () =>
          fail(
            isConnected
              ? new AppError("E_TTS_FAILED", `${uri} said nothing for ${SILENCE_MS} ms`)
              : new AppError("E_TTS_UNAVAILABLE", `${uri} did not answer within ${SILENCE_MS} ms`),
          ),
        );
      };
      const reader = new WyomingReader((event) => {
        if (collector.accept(event)) end(() => resolve(collector.audio()));
      });
      signal.addEventListener("abort", onAbort, { once: true });
      watchSilence();
      socket.once("connect", () => {
        isConnected = true;
        socket.write(
          encodeWyomingEvent("synthesize", { text: speech, ...(voice === "" ? {} : { voice: { name: voice } }) }),
        );
      });
      socket.on("data", (chunk) => {
        watchSilence();
        try {
          reader.accept(chunk);
        } catch (error) {
          fail(toAppError(error, "E_TTS_FAILED", `${uri} sent what is no speech`));
        }
      });
      socket.once("error", (cause) => {
        const reason = systemErrorCode(cause) ?? "connection failed";
        if (isConnected) fail(new AppError("E_TTS_FAILED", `${uri} broke off (${reason})`, { cause }));
        else fail(new AppError("E_TTS_UNAVAILABLE", `cannot reach ${uri} (${reason})`, { cause }));
      });
      socket.once("close", () => fail(new AppError("E_TTS_FAILED", `${uri} closed the connection before the end`)));
    });
  }
}

/** audio-start, audio-chunk ..., audio-stop; everything else but `error` is skipped, as the protocol asks. */
class AudioCollector {
  readonly #parts: Uint8Array[] = [];
  #sizeBytes = 0;
  #rateHz = 0;
  #channels = 0;

  /** True once the audio is complete. */
  accept(event: WyomingEvent): boolean {
    if (event.type === "error") throw new AppError("E_TTS_FAILED", "the Wyoming server reports an error");
    if (event.type === "audio-start") this.#readFormat(event);
    if (event.type === "audio-chunk") {
      this.#readFormat(event);
      this.#sizeBytes += event.payload.length;
      if (this.#sizeBytes > MAX_AUDIO_BYTES) throw new AppError("E_TTS_FAILED", "the audio does not end");
      this.#parts.push(event.payload);
    }
    return event.type === "audio-stop";
  }

  audio(): PcmAudio {
    const bytes = Buffer.concat(this.#parts);
    const frames = this.#channels === 0 ? 0 : Math.floor(bytes.length / (2 * this.#channels));
    if (frames === 0) throw new AppError("E_TTS_FAILED", "the Wyoming server sent no audio");
    const samples = new Int16Array(frames);
    for (let i = 0; i < frames; i++) {
      let sum = 0;
      for (let c = 0; c < this.#channels; c++) sum += bytes.readInt16LE(2 * (i * this.#channels + c));
      samples[i] = Math.round(sum / this.#channels);
    }
    return { samples, sampleRateHz: this.#rateHz };
  }

  #readFormat(event: WyomingEvent): void {
    const { rate, width, channels } = event.data;
    if (
      typeof rate !== "number" ||
      rate < 4000 ||
      rate > 192_000 ||
      width !== 2 ||
      (channels !== 1 && channels !== 2)
    ) {
      throw new AppError("E_TTS_FAILED", "the Wyoming server's audio is not 16-bit mono or stereo");
    }
    this.#rateHz = rate;
    this.#channels = channels;
  }
}

function aborted(): AppError {
  return new AppError("E_ABORTED", "speech was stopped on request");
}
