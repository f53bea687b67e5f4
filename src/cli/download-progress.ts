import { megabytesText } from "./describe-model.ts";
import { durationText } from "./train-progress.ts";

const REPORT_MS = 200;

/** What a person sees while a model comes: one line written over on a terminal, a line per 10 % elsewhere. */
export class DownloadProgressLine {
  readonly #write: (text: string) => void;
  readonly #isTerminal: boolean;
  readonly #monotonicMs: () => number;
  #startedMs: number | null = null;
  #startedBytes = 0;
  #shownMs = Number.NEGATIVE_INFINITY;
  #shownTenths = -1;
  #isOpen = false;

  constructor(write: (text: string) => void, isTerminal: boolean, monotonicMs: () => number) {
    this.#write = write;
    this.#isTerminal = isTerminal;
    this.#monotonicMs = monotonicMs;
  }

  show(received: number, total: number | null): void {
    const now = this.#monotonicMs();
    if (this.#startedMs === null) {
      this.#startedMs = now;
      this.#startedBytes = received;
    }
    const isLast = received === total;
    const tenths = total === null ? Math.floor(received / 1e8) : Math.floor((10 * received) / Math.max(1, total));
    if (this.#isTerminal) {
      if (now - this.#shownMs < REPORT_MS && !isLast) return;
      this.#write(`\r\u001b[K${this.#text(received, total, now)}`);
      this.#isOpen = true;
    } else if (tenths !== this.#shownTenths) {
      this.#write(`${this.#text(received, total, now)}\n`);
    }
    this.#shownMs = now;
    this.#shownTenths = tenths;
  }

  /** Leaves the last state standing. */
  end(): void {
    if (this.#isOpen) this.#write("\n");
    this.#isOpen = false;
  }

  /** e.g. `fetching 210.4 MB of 640 MB (33 %), 9.8 MB/s, 44s left`. */
  #text(received: number, total: number | null, nowMs: number): string {
    const seconds = (nowMs - (this.#startedMs ?? nowMs)) / 1000;
    const speed = seconds > 0 ? (received - this.#startedBytes) / seconds : 0;
    const of =
      total === null ? "" : ` of ${megabytesText(total)} (${Math.floor((100 * received) / Math.max(1, total))} %)`;
    const pace = speed > 0 ? `, ${(speed / 1e6).toFixed(1)} MB/s` : "";
    const rest =
      total !== null && speed > 0 && received < total ? `, ${durationText((total - received) / speed)} left` : "";
    return `fetching ${megabytesText(received)}${of}${pace}${rest}`;
  }
}
