import type { ServerResponse } from "node:http";
import type { Clock } from "../../core/clock.ts";
import type { TopicHandler } from "../mqtt/topic-watchers.ts";
import type { PastMessage } from "./recent-figures.ts";

/** Where the topics come from: first everything that is retained, then each message as it is published. */
export interface TopicSource {
  watch(handler: TopicHandler): () => void;
}

/** The page takes silence of twice as long for a dead connection. */
const ALIVE_MS = 15_000;
/** A reader that is this far behind is cut off; it comes back and gets the present state. */
const MAX_BEHIND_BYTES = 1_000_000;
const MAX_STREAMS = 16;

/** The device's topics as server-sent events, one stream per open page. */
export class EventStreams {
  readonly #source: TopicSource;
  readonly #past: () => readonly PastMessage[];
  readonly #clock: Clock;
  readonly #open = new Set<ServerResponse>();

  /** @param past what a new reader is told of the time before. */
  constructor(source: TopicSource, past: () => readonly PastMessage[], clock: Clock) {
    this.#source = source;
    this.#past = past;
    this.#clock = clock;
  }

  get isFull(): boolean {
    return this.#open.size >= MAX_STREAMS;
  }

  /** Answers with a stream that ends when the reader hangs up or falls behind. */
  serve(response: ServerResponse): void {
    response.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    });
    this.#open.add(response);
    const send = (event: string, data: string) => {
      if (response.writableLength > MAX_BEHIND_BYTES) response.destroy();
      else response.write(`event: ${event}\ndata: ${data}\n\n`);
    };
    send("reset", "{}");
    for (const { atMs, path, payload } of this.#past()) send("past", JSON.stringify([path, payload, atMs]));
    const unwatch = this.#source.watch((path, payload) => send("topic", JSON.stringify([path, payload])));
    // The service answers, so it is there; the broker's view of it does not matter here.
    send("topic", JSON.stringify(["availability", "online"]));
    let cancel = () => {};
    const beat = () => {
      send("alive", "{}");
      cancel = this.#clock.after(ALIVE_MS, beat);
    };
    cancel = this.#clock.after(ALIVE_MS, beat);
    response.once("close", () => {
      cancel();
      unwatch();
      this.#open.delete(response);
    });
  }

  close(): void {
    for (const response of this.#open) response.destroy();
  }
}
