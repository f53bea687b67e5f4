import { recordSentence } from "../../src/cli/demo/demo-recordings.ts";
import type { SeenEvent } from "../../src/cli/demo/watched-service.ts";
import { requestOf, wantedAnswerOf } from "../fire/person.ts";
import { freePort, MosquittoTestBroker } from "../support/broker.ts";
import { type Happening, planPeriod } from "./day-plan.ts";
import { SoakDevice } from "./device.ts";
import { FAULTS, type Site, trainingIsOver } from "./faults.ts";
import { median } from "./meter.ts";

export interface SoakOptions {
  /** Simulated days; below 2, two periods of half of them. */
  readonly days: number;
  readonly seed: number;
  /** For state and log; on a disk, since bytes written are counted. */
  readonly folder: string;
  readonly log: (line: string) => void;
}

/** State at the end of a period, idle, garbage collected. */
export interface PeriodFigures {
  readonly rss_mb: number;
  /** Of it what is not pages of a file. */
  readonly anonymous_mb: number;
  readonly fds: number;
  /** Since the end of the period before. */
  readonly written_mb: number;
}

export interface SoakReport {
  readonly days: number;
  readonly turns: number;
  /** Jobs that came to their end, micro-updates included; and of them full ones. */
  readonly jobs: number;
  readonly full_jobs: number;
  readonly faults: number;
  /** From the second period (in a run of less than three days: the first) to the last, per cent. */
  readonly rss_growth_pct: number;
  readonly fd_growth: number;
  readonly written_mb_per_day: number;
  readonly seed: number;
  readonly periods: readonly PeriodFigures[];
  /** One line for each thing that did not hold. */
  readonly failed: readonly string[];
}

const DAY_MS = 86_400_000;
const MEASURES = 5;
const BETWEEN_MEASURES_MS = 10 * 60_000;
const HOLD_MS = 2_000;
/** A full training needs 30 interactions: training.minInteractions. */
const TRAINABLE_TURNS = 30;
const LIMITS = { rssGrowthPct: 2, fdGrowth: 0, writtenMbPerDay: 50 } as const;
/** Fewer days are no time for memory to settle: the growth is told, and not judged. */
const JUDGED_DAYS = 3;
/** So many turns the service keeps at hand (phrases, recall, training): before they are full it grows by design. */
const FULL_PROFILE_TURNS = 500;

/** Lives with the service for that many days of its time, and measures what that left. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  return await new Soak(options).run();
}

class Soak {
  readonly #options: SoakOptions;
  readonly #periodMs: number;
  readonly #periods: number;
  readonly #figures: PeriodFigures[] = [];
  readonly #failed: string[] = [];
  /** Inputs that were acknowledged as stored. */
  readonly #said: string[] = [];
  readonly #endedJobs = new Map<string, string>();
  #turns = 0;
  #faults = 0;
  #writtenBytes = 0;

  constructor(options: SoakOptions) {
    this.#options = options;
    this.#periods = options.days < 2 ? 2 : Math.round(options.days);
    this.#periodMs = (options.days / this.#periods) * DAY_MS;
  }

  async run(): Promise<SoakReport> {
    const { folder, days, seed, log } = this.#options;
    await using broker = new MosquittoTestBroker(await freePort());
    await broker.start();
    const onEvent = (seen: SeenEvent) => this.#seen(seen);
    // The voice detector gives its memory back before each measure: by the default of two minutes, real ones, most of a day would be that wait.
    const settings = [`mqtt.url=${broker.url}`, "vad.releaseAfterS=10"];
    await using device = await SoakDevice.start({ folder, settings, onEvent });
    await allowEverything(device);
    if (days >= JUDGED_DAYS) await this.#fill(device);
    for (let period = 0; period < this.#periods; period += 1) {
      const plan = planPeriod(period, this.#periodMs, seed, this.#said.length >= TRAINABLE_TURNS);
      for (const happening of plan) {
        await device.skip(period * this.#periodMs + happening.atMs - device.elapsedMs);
        await this.#happen(happening, { device, broker });
      }
      await trainingIsOver(device);
      await device.skip((period + 1) * this.#periodMs - device.elapsedMs);
      const figures = await this.#measure(device);
      this.#figures.push(figures);
      log(
        `period ${period + 1} of ${this.#periods}: ${this.#turns} turns, ${this.#endedJobs.size} jobs, ${this.#faults} faults; ` +
          `${figures.rss_mb} MiB (${figures.anonymous_mb} anonymous), ${figures.fds} descriptors, ${figures.written_mb} MB written`,
      );
    }
    await this.#lastLook(device);
    return this.#judged(days, seed);
  }

  /** Memory is judged in a device that has been in use for two weeks. */
  async #fill(device: SoakDevice): Promise<void> {
    this.#options.log(`soak: ${FULL_PROFILE_TURNS} turns before the first day`);
    while (this.#turns < FULL_PROFILE_TURNS) await this.#type(device);
  }

  async #happen(happening: Happening, site: Site): Promise<void> {
    try {
      if (happening.kind === "talk") await this.#talk(happening, site.device);
      else {
        this.#faults += 1;
        await FAULTS[happening.fault](site);
      }
    } catch (error) {
      const what = happening.kind === "talk" ? "a conversation" : happening.fault;
      this.#fail(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async #talk({ typed, spoken, corrected }: Extract<Happening, { kind: "talk" }>, device: SoakDevice): Promise<void> {
    for (let n = 0; n < typed; n += 1) {
      await this.#type(device);
      const correction = n < corrected ? wantedAnswerOf(this.#turns - 1) : null;
      if (correction !== null) await device.call("feedback", { kind: "correction", correction });
      else if (n === corrected) await device.call("feedback", { kind: "up", correction: null });
    }
    for (let n = 0; n < spoken; n += 1) {
      const path = await recordSentence(this.#options.folder, "request", "turn on the kitchen lights");
      this.#answered(await device.call("listen", { path }));
    }
  }

  async #type(device: SoakDevice): Promise<void> {
    const input = requestOf(this.#turns);
    this.#answered(await device.call("say", { text: input, aloud: false }));
    this.#said.push(input);
  }

  #answered(report: unknown): void {
    this.#turns += 1;
    const outcome = typeof report === "object" && report !== null && "outcome" in report ? report.outcome : null;
    if (outcome !== "answered") this.#fail(`turn ${this.#turns} ended as ${String(outcome)}`);
  }

  #seen({ event, data: { id, kind, state } }: SeenEvent): void {
    if (event !== "job" || (state !== "active" && state !== "rejected" && state !== "failed")) return;
    this.#endedJobs.set(String(id), String(kind));
    if (state === "failed") this.#fail(`a ${String(kind)} job failed`);
  }

  async #measure(device: SoakDevice): Promise<PeriodFigures> {
    await device.alone();
    const held = [];
    for (let n = 0; n < MEASURES; n += 1) {
      await device.skip(BETWEEN_MEASURES_MS / 2);
      device.collectGarbage();
      await device.skip(BETWEEN_MEASURES_MS / 2);
      held.push(device.holding());
    }
    const writtenBytes = device.writtenBytes;
    const written_mb = rounded((writtenBytes - this.#writtenBytes) / 1e6);
    this.#writtenBytes = writtenBytes;
    return {
      rss_mb: rounded(median(held.map(({ rssMb }) => rssMb))),
      anonymous_mb: rounded(median(held.map(({ anonymousMb }) => anonymousMb))),
      fds: median(held.map(({ fds }) => fds)),
      written_mb,
    };
  }

  /** Everything that was said is there, nothing is wrong, and it ends as it should. */
  async #lastLook(device: SoakDevice): Promise<void> {
    const { interactions } = (await device.call("profileExport", { profile: null })) as {
      interactions: readonly { input: string }[];
    };
    const stored = new Set(interactions.map(({ input }) => input));
    const lost = this.#said.filter((input) => !stored.has(input)).length;
    if (lost > 0) this.#fail(`${lost} turns are gone`);
    const { alerts } = (await device.call("status", {})) as { alerts: readonly { code: string }[] };
    for (const { code } of alerts) this.#fail(`alert ${code} stands at the end`);
    const exitCode = await device.stop();
    if (exitCode !== 0) this.#fail(`it stopped with ${exitCode}`);
  }

  #judged(days: number, seed: number): SoakReport {
    // Restarts are in the first period; the second is for warming up where there is one to spare.
    const [first, last] = [this.#figures[days >= JUDGED_DAYS ? 1 : 0], this.#figures.at(-1)];
    if (first === undefined || last === undefined) throw new Error("nothing was measured");
    const writtenMb = this.#figures.reduce((sum, { written_mb }) => sum + written_mb, 0);
    const report = {
      days,
      turns: this.#turns,
      jobs: this.#endedJobs.size,
      full_jobs: [...this.#endedJobs.values()].filter((kind) => kind !== "micro").length,
      faults: this.#faults,
      rss_growth_pct: rounded((last.rss_mb / first.rss_mb - 1) * 100),
      fd_growth: last.fds - first.fds,
      written_mb_per_day: rounded(writtenMb / days),
      seed,
      periods: this.#figures,
      failed: this.#failed,
    };
    if (days >= JUDGED_DAYS && report.rss_growth_pct >= LIMITS.rssGrowthPct) {
      this.#fail(`memory grew by ${report.rss_growth_pct} %`);
    }
    if (report.fd_growth > LIMITS.fdGrowth) this.#fail(`${report.fd_growth} more file descriptors`);
    if (report.written_mb_per_day >= LIMITS.writtenMbPerDay)
      this.#fail(`${report.written_mb_per_day} MB written a day`);
    return report;
  }

  #fail(problem: string): void {
    this.#failed.push(problem);
    this.#options.log(`failed: ${problem}`);
  }
}

/** Grants storing and training with the talk button held. */
async function allowEverything(device: SoakDevice): Promise<void> {
  for (const purpose of ["store", "train"] as const) {
    const granting = device.call("consent", { purpose, granted: true });
    granting.catch(() => {}); // awaited below
    await device.call("press", { button: "talk", holdMs: HOLD_MS });
    await granting;
  }
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
