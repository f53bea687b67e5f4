import type { Clock } from "../../core/clock.ts";
import type { TopicSource } from "./event-stream.ts";

/** What the page plots of each topic, by wire name. */
const PLOTTED: Readonly<Record<string, readonly string[]>> = {
  power: ["soc_temp_c", "input_w", "duty"],
  "training/metrics": ["job", "loss"],
};
/** An hour at one message in 5 s; a long training job. About 100 bytes each. */
const KEPT: Readonly<Record<string, number>> = { power: 720, "training/metrics": 1_000 };
/** With another value of this field a new plot begins, and what was kept for the old one goes. */
const PLOT_OF: Readonly<Record<string, string>> = { "training/metrics": "job" };
const WINDOW_MS = 3_600_000;

/** One message of the past with its plotted fields only. */
export interface PastMessage {
  readonly atMs: number;
  readonly path: string;
  readonly payload: string;
}

/** The last hour's figures and the newest training job's losses, so that a page that is opened now has its plots. */
export class RecentFigures {
  readonly #clock: Clock;
  readonly #kept = new Map<string, PastMessage[]>();
  /** What the kept messages of a topic are about, see {@link PLOT_OF}. */
  readonly #plots = new Map<string, unknown>();
  readonly #unwatch: () => void;

  constructor(topics: TopicSource, clock: Clock) {
    this.#clock = clock;
    this.#unwatch = topics.watch((path, payload) => this.#accept(path, payload));
  }

  /** Oldest first a topic; nothing older than an hour of what is plotted over time. */
  get messages(): readonly PastMessage[] {
    const sinceMs = this.#clock.now() - WINDOW_MS;
    return [...this.#kept.values()].flat().filter(({ path, atMs }) => path !== "power" || atMs >= sinceMs);
  }

  stop(): void {
    this.#unwatch();
    this.#kept.clear();
  }

  #accept(path: string, payload: string): void {
    const fields = PLOTTED[path];
    if (fields === undefined || payload === "") return;
    const all = JSON.parse(payload) as Readonly<Record<string, unknown>>;
    const plotted = Object.fromEntries(fields.map((field) => [field, all[field] ?? null]));
    const plot = all[PLOT_OF[path] ?? ""];
    const kept = (plot === this.#plots.get(path) && this.#kept.get(path)) || [];
    this.#plots.set(path, plot);
    this.#kept.set(path, kept);
    kept.push({ atMs: this.#clock.now(), path, payload: JSON.stringify(plotted) });
    if (kept.length > (KEPT[path] ?? 0)) kept.shift();
  }
}
