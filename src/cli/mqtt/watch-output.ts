import { type DeviceState, deviceLines, messageLine, type TopicMessage } from "./device-view.ts";

/** Where `asls mqtt watch` shows what it sees. */
export interface WatchOutput {
  show(message: TopicMessage): void;
  /** The connection is lost (its code) or back (null). */
  connection(lostBy: string | null): void;
  end(): void;
}

/** One line a message, for pipes and logs. @param now wall clock, ms. */
export class WatchLines implements WatchOutput {
  readonly #write: (text: string) => void;
  readonly #now: () => number;
  readonly #showDevice: boolean;
  readonly #kept = new Set<string>();

  constructor(write: (text: string) => void, now: () => number, showDevice: boolean) {
    this.#write = write;
    this.#now = now;
    this.#showDevice = showDevice;
  }

  show(message: TopicMessage): void {
    const topic = `${message.device}/${message.path}`;
    // A device that starts deletes every alert that it might have left; only those that were there are news.
    if (message.payload === null && !this.#kept.delete(topic)) return;
    if (message.payload !== null) this.#kept.add(topic);
    this.#write(`${this.#time()} ${messageLine(message, this.#showDevice)}\n`);
  }

  connection(lostBy: string | null): void {
    this.#write(`${this.#time()} ${lostBy === null ? "connected" : `connection lost: ${lostBy}`}\n`);
  }

  end(): void {}

  #time(): string {
    return new Date(this.#now()).toISOString().slice(11, 19);
  }
}

const MAX_EVENTS = 8;
const CLEAR = "\u001b[H\u001b[2J";

/** A screen that is drawn anew: what each device is and does, and below the last messages that are not kept. */
export class WatchScreen implements WatchOutput {
  readonly #write: (text: string) => void;
  readonly #now: () => number;
  readonly #size: () => { readonly columns: number; readonly rows: number };
  readonly #devices = new Map<string, Map<string, unknown>>();
  readonly #events: string[] = [];
  #lostBy: string | null = null;
  #isDrawing = false;
  #isOver = false;

  constructor(
    write: (text: string) => void,
    now: () => number,
    size: () => { readonly columns: number; readonly rows: number },
  ) {
    this.#write = write;
    this.#now = now;
    this.#size = size;
  }

  show(message: TopicMessage): void {
    const { device, path, payload } = message;
    if (/^(event|request|response|log$|training\/metrics$)/.test(path)) {
      const time = new Date(this.#now()).toISOString().slice(11, 19);
      this.#events.push(`${time} ${messageLine(message, this.#devices.size > 1)}`);
      if (this.#events.length > MAX_EVENTS) this.#events.shift();
    } else {
      const state = this.#devices.get(device) ?? new Map<string, unknown>();
      if (payload === null) state.delete(path);
      else state.set(path, payload);
      this.#devices.set(device, state);
    }
    this.#draw();
  }

  connection(lostBy: string | null): void {
    this.#lostBy = lostBy;
    this.#draw();
  }

  end(): void {
    this.#isOver = true;
  }

  /** Once per round of the event loop, however many messages came. */
  #draw(): void {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    setImmediate(() => {
      this.#isDrawing = false;
      if (!this.#isOver) this.#write(CLEAR + this.#frame());
    });
  }

  #frame(): string {
    const { columns, rows } = this.#size();
    const head = this.#lostBy === null ? [] : [`no connection (${this.#lostBy}); this is the last that was known`];
    const devices = [...this.#devices]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([device, state]: [string, DeviceState]) => deviceLines(device, state));
    const lines = [...head, ...devices, "", ...this.#events];
    return lines
      .slice(0, Math.max(1, rows - 1))
      .map((line) => `${line.slice(0, columns)}\n`)
      .join("");
  }
}
