import type { Verb } from "../../runtime/mqtt/requests.ts";
import { api, isSignedIn } from "./api.ts";
import { ANSWER_MS, type Answer, type Link, type LinkHandlers, noAnswer, parseAnswer } from "./link.ts";

/** The service says something at least this often; silence of twice as long is a dead connection. */
const SIGN_OF_LIFE_MS = 15_000;
const RETRY_MS = 2_000;

/** The device that serves this page: its topics as server-sent events, requests as HTTP. */
export class DeviceLink implements Link {
  readonly #deviceId: string;
  readonly #handlers: LinkHandlers;
  #source: EventSource | null = null;
  #watchdog = 0;
  #retry = 0;

  constructor(deviceId: string, handlers: LinkHandlers) {
    this.#deviceId = deviceId;
    this.#handlers = handlers;
    this.#handlers.status({ kind: "connecting" });
    this.#open();
  }

  watch(): void {}

  async request<V extends Verb>(_deviceId: string, verb: V, fields: object): Promise<Answer<V>> {
    try {
      const response = await api(`api/request/${verb}`, { method: "POST", body: fields, timeoutMs: ANSWER_MS });
      if (response.status === 401) this.#refused();
      return parseAnswer(await response.text())?.answer ?? noAnswer("The device did not understand the request.");
    } catch {
      return noAnswer("The device cannot be reached; it is asked again when it is back.");
    }
  }

  close(): void {
    clearTimeout(this.#watchdog);
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = null;
  }

  #open(): void {
    this.close();
    const source = new EventSource("api/stream");
    this.#source = source;
    this.#expectLife();
    source.addEventListener("reset", () => {
      this.#expectLife();
      this.#handlers.reset();
      this.#handlers.status({ kind: "connected" });
    });
    source.addEventListener("topic", ({ data }: MessageEvent<string>) => {
      this.#expectLife();
      const message: unknown = JSON.parse(data);
      if (!Array.isArray(message)) return;
      this.#handlers.message(this.#deviceId, String(message[0]), String(message[1]));
    });
    source.addEventListener("past", ({ data }: MessageEvent<string>) => {
      const message: unknown = JSON.parse(data);
      if (Array.isArray(message)) this.#handlers.past(String(message[0]), String(message[1]), Number(message[2]));
    });
    source.addEventListener("alive", () => this.#expectLife());
    source.addEventListener("error", () => void this.#lost(source));
  }

  /** The browser tries again after a lost connection, but not after an answer that was no stream. */
  async #lost(source: EventSource): Promise<void> {
    if (source !== this.#source) return;
    this.#handlers.status({ kind: "lost" });
    source.close();
    if ((await isSignedIn()) === "no") this.#refused();
    else if (source === this.#source) this.#retry = window.setTimeout(() => this.#open(), RETRY_MS);
  }

  #refused(): void {
    this.close();
    this.#handlers.status({ kind: "refused" });
  }

  #expectLife(): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = window.setTimeout(() => {
      if (this.#source !== null) void this.#lost(this.#source);
    }, 2 * SIGN_OF_LIFE_MS);
  }
}
