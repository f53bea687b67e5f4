import { type Clock, withDeadline } from "../../core/clock.ts";
import type { BoardBackend, BoardProbes, BoardReadings, BoardSample, ProbeName } from "./ports.ts";

/** A sensor that takes longer than this has failed. */
const PROBE_MS = 2_000;
/** Between two looks around the board: drivers load late, and their numbers change when they do it again. */
const REDISCOVER_MS = { whenTroubled: 60_000, always: 600_000 } as const;

/**
 * Reads everything that a board tells. Never throws: a probe that fails, hangs or has gone gives null, is listed in
 * {@link BoardSample.failed} and counted.
 *
 * INVARIANTS: a probe is never read twice at a time, so that a driver that hangs holds one thread and no more. A probe
 * that was there once is never `absent` again, only `failed`.
 */
export class BoardSampler {
  readonly #candidates: readonly BoardBackend[];
  readonly #clock: Clock;
  #backend: BoardBackend | null = null;
  #probes: BoardProbes = {};
  #lookedAtMs: number | null = null;
  #hasFailed = false;
  readonly #known = new Set<ProbeName>();
  readonly #busy = new Set<ProbeName>();
  readonly #failures = new Map<ProbeName, number>();

  /** @param candidates the first that matches is used; the last should match anything. */
  constructor(candidates: readonly BoardBackend[], clock: Clock) {
    this.#candidates = candidates;
    this.#clock = clock;
  }

  /** Null before the first sample. */
  get backendName(): string | null {
    return this.#backend?.name ?? null;
  }

  /** Failed reads per probe since the start; probes that never failed are missing. */
  get failures(): ReadonlyMap<ProbeName, number> {
    return this.#failures;
  }

  async sample(): Promise<BoardSample> {
    await this.#discoverWhenDue();
    const failed: ProbeName[] = [];
    const read = <T>(name: ProbeName, probe: (() => Promise<T | null>) | undefined) => this.#read(name, probe, failed);
    const [socTempC, throttle, inputPower, isOnMains, battery, memory, cpuLoad] = await Promise.all([
      read("temperature", this.#probes.temperature),
      read("throttle", this.#probes.throttle),
      read("power", this.#probes.power),
      read("mains", this.#probes.mains),
      read("battery", this.#probes.battery),
      read("memory", this.#probes.memory),
      read("load", this.#probes.load),
    ]);
    this.#hasFailed = failed.length > 0;
    for (const name of failed) this.#failures.set(name, (this.#failures.get(name) ?? 0) + 1);
    const readings: BoardReadings = { socTempC, throttle, inputPower, isOnMains, battery, memory, cpuLoad };
    return { readings, failed };
  }

  async #discoverWhenDue(): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    const isTroubled = this.#hasFailed || this.#probes.temperature === undefined;
    const intervalMs = isTroubled ? REDISCOVER_MS.whenTroubled : REDISCOVER_MS.always;
    if (this.#lookedAtMs !== null && nowMs - this.#lookedAtMs < intervalMs) return;
    this.#lookedAtMs = nowMs;
    try {
      this.#backend ??= await firstMatching(this.#candidates);
      if (this.#backend === null) return;
      this.#probes = await withDeadline(this.#clock, PROBE_MS * 3, "looking for sensors", this.#backend.discover());
      for (const name of Object.keys(this.#probes) as ProbeName[]) this.#known.add(name);
    } catch {
      // What is known stays; what is missing is looked for again.
    }
  }

  async #read<T>(
    name: ProbeName,
    probe: (() => Promise<T | null>) | undefined,
    failed: ProbeName[],
  ): Promise<T | null> {
    if (probe === undefined || this.#busy.has(name)) {
      if (this.#known.has(name)) failed.push(name);
      return null;
    }
    this.#busy.add(name);
    const reading = probe().finally(() => this.#busy.delete(name));
    try {
      return await withDeadline(this.#clock, PROBE_MS, `reading ${name}`, reading);
    } catch {
      failed.push(name);
      return null;
    }
  }
}

async function firstMatching(candidates: readonly BoardBackend[]): Promise<BoardBackend | null> {
  for (const candidate of candidates) {
    if (await candidate.matches()) return candidate;
  }
  return null;
}
