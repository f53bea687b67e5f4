import { connect, type Socket } from "node:net";
import type { Clock } from "../core/clock.ts";
import { AppError, systemErrorCode, toAppError } from "../core/errors.ts";
import { encodeWyomingEvent, type WyomingEvent, WyomingReader } from "../core/wyoming-event.ts";
import { type AudioFrame, SAMPLE_RATE_HZ, type SpeechToText, type Transcript, type Utterance } from "./ports.ts";

export interface WyomingOptions {
  readonly host: string;
  readonly port: number;
  /** For the connection, and again for the transcript after the end of the audio; default 10,000. */
  readonly timeoutMs?: number;
  readonly clock: Clock;
}

const FORMAT = { rate: SAMPLE_RATE_HZ, width: 2, channels: 1 };

/**
 * A Wyoming speech-to-text server on the LAN, one connection an utterance. The protocol has neither encryption nor
 * authentication, so the audio is readable on that network.
 *
 * @see https://github.com/OHF-Voice/wyoming (transcribe, audio-start, audio-chunk, audio-stop -> transcript)
 */
export class WyomingSpeechToText implements SpeechToText {
  readonly name: string;
  readonly #options: WyomingOptions;
  #current: WyomingUtterance | null = null;

  constructor(options: WyomingOptions) {
    this.#options = options;
    this.name = `wyoming ${options.host}:${options.port}`;
  }

  begin(): Utterance {
    this.#current?.cancel();
    this.#current = new WyomingUtterance(this.#options);
    return this.#current;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#current?.cancel();
  }
}

/** `tcp://host:port` taken apart. @throws AppError E_STT_UNAVAILABLE when it is not of that form. */
export function parseWyomingUri(uri: string): { readonly host: string; readonly port: number } {
  const match = /^tcp:\/\/(\[[0-9a-f:]+\]|[^:/[\]]+):(\d{1,5})\/?$/i.exec(uri);
  const port = Number(match?.[2]);
  if (match?.[1] === undefined || port < 1 || port > 65_535) {
    throw new AppError("E_STT_UNAVAILABLE", "the Wyoming server must be given as tcp://host:port");
  }
  return { host: match[1].replace(/^\[|\]$/g, ""), port };
}

/** INVARIANT: `#outcome` settles exactly once, and the socket is destroyed when it does. */
class WyomingUtterance implements Utterance {
  readonly #socket: Socket;
  readonly #options: WyomingOptions;
  readonly #outcome: Promise<Transcript>;
  #succeed: (transcript: Transcript) => void = () => {};
  #reject: (error: AppError) => void = () => {};
  #cancelTimer: () => void;
  #isOver = false;

  constructor(options: WyomingOptions) {
    this.#options = options;
    this.#outcome = new Promise((resolve, reject) => {
      this.#succeed = resolve;
      this.#reject = reject;
    });
    this.#outcome.catch(() => {}); // reported by `finish`; nobody else asks
    this.#socket = connect({ host: options.host, port: options.port, noDelay: true });
    this.#cancelTimer = this.#deadline("did not accept the connection");
    const reader = new WyomingReader((event) => this.#receive(event));
    this.#socket.on("connect", () => this.#cancelTimer());
    this.#socket.on("data", (chunk) => this.#read(reader, chunk));
    this.#socket.on("error", (error) => this.#fail(connectionError(error, options)));
    this.#socket.on("close", () =>
      this.#fail(new AppError("E_STT_FAILED", "the Wyoming server closed the connection without a transcript")),
    );
    // the socket queues what is written before it is connected
    this.#socket.write(encodeWyomingEvent("transcribe", { language: "en" }));
    this.#socket.write(encodeWyomingEvent("audio-start", FORMAT));
  }

  accept(frame: AudioFrame): void {
    if (this.#isOver) return;
    const pcm = new Uint8Array(frame.length * 2);
    const view = new DataView(pcm.buffer);
    for (let i = 0; i < frame.length; i++) view.setInt16(2 * i, frame[i] ?? 0, true);
    this.#socket.write(encodeWyomingEvent("audio-chunk", FORMAT, pcm));
  }

  async finish(): Promise<Transcript> {
    if (!this.#isOver) {
      this.#socket.write(encodeWyomingEvent("audio-stop"));
      this.#cancelTimer();
      this.#cancelTimer = this.#deadline("gave no transcript");
    }
    return await this.#outcome;
  }

  cancel(): void {
    this.#fail(new AppError("E_ABORTED", "the utterance was cancelled"));
  }

  #read(reader: WyomingReader, chunk: Uint8Array): void {
    try {
      reader.accept(chunk);
    } catch (error) {
      this.#fail(toAppError(error, "E_STT_FAILED", "the answer of the Wyoming server could not be read"));
    }
  }

  #receive(event: WyomingEvent): void {
    if (this.#isOver) return;
    if (event.type === "error") this.#fail(new AppError("E_STT_FAILED", "the Wyoming server reports an error"));
    if (event.type !== "transcript") return; // e.g. transcript-start and -chunk of streaming servers
    const text = typeof event.data.text === "string" ? event.data.text : "";
    this.#end();
    this.#succeed({ text: text.trim().toLowerCase(), confidence: null });
  }

  #deadline(what: string): () => void {
    const timeoutMs = this.#options.timeoutMs ?? 10_000;
    return this.#options.clock.after(timeoutMs, () =>
      this.#fail(new AppError("E_STT_FAILED", `the Wyoming server ${what} within ${timeoutMs} ms`)),
    );
  }

  #fail(error: AppError): void {
    if (this.#isOver) return;
    this.#end();
    this.#reject(error);
  }

  #end(): void {
    this.#isOver = true;
    this.#cancelTimer();
    this.#socket.destroy();
  }
}

function connectionError(error: Error, { host, port }: WyomingOptions): AppError {
  const reason = systemErrorCode(error) ?? "unknown reason";
  return new AppError("E_STT_UNAVAILABLE", `no Wyoming server at ${host}:${port} (${reason})`, {
    hint: "Start the server, or correct stt.uri.",
    cause: error,
  });
}
