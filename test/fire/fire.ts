import { rmSync } from "node:fs";
import { join } from "node:path";
import { seededRandom, seedFor } from "../../src/adapt/seeded-random.ts";
import { isAppError } from "../../src/core/errors.ts";
import { type Blow, KillableService } from "../support/killable-service.ts";
import { PHASES, type Phase } from "./phases.ts";
import { fireSettings } from "./settings.ts";
import { Snapshots } from "./snapshots.ts";
import type { World } from "./world.ts";

export interface FireOptions {
  readonly kills: number;
  readonly seed: number;
  /** For state folders; emptied when everything held. */
  readonly folder: string;
  /** Names of phases; default all, in turn. */
  readonly phases?: readonly string[] | undefined;
  readonly log: (line: string) => void;
}

/** What came of it. `lost`, `corrupt`, `failed_starts` and `orphans` are to be 0. */
export interface FireReport {
  readonly kills: number;
  /** Acknowledged rows, deletions, forgettings and adapter changes that did not hold. */
  readonly lost: number;
  readonly corrupt: number;
  readonly failed_starts: number;
  /** Trainers that outlived their killed service. */
  readonly orphans: number;
  readonly seed: number;
  /** Kills by what they fell into. */
  readonly phases: Readonly<Record<string, number>>;
  /** One line for each thing that did not hold, with number and phase of the kill before. */
  readonly problems: readonly string[];
}

/** A phase that never says when to strike is struck anyway, after this long. */
const UNARMED_MS = 300_000;

/** Trains nothing new, but has the adapter answer: with `training.enabled=false` none does, by configuration. */
const LAST_LOOK: readonly string[] = ["training.microUpdates=false", "training.quietMs=86400000"];

/** Kills the service again and again in the middle of its work, and checks after each start what it had promised. */
export async function fire(options: FireOptions): Promise<FireReport> {
  return await new Fire(options).run();
}

class Fire {
  readonly #options: FireOptions;
  readonly #snapshots: Snapshots;
  readonly #worlds = new Map<string, World>();
  /** The kill that a world was left by. */
  readonly #leftBy = new Map<string, number>();
  readonly #counts: Record<string, number> = {};
  readonly #problems: string[] = [];
  #lost = 0;
  #corrupt = 0;
  #failedStarts = 0;
  #orphans = 0;

  constructor(options: FireOptions) {
    this.#options = options;
    this.#snapshots = new Snapshots(options.folder, options.log);
  }

  async run(): Promise<FireReport> {
    const { kills, seed, phases: names, folder } = this.#options;
    const phases = PHASES.filter(({ name }) => names === undefined || names.includes(name));
    for (let kill = 0; kill < kills; kill += 1) {
      const phase = phases[kill % phases.length];
      if (phase === undefined) throw new Error(`no phase of that name; there are ${PHASES.map(({ name }) => name)}`);
      await this.#round(kill, phase, seededRandom(seedFor(seed, `kill ${kill}`)));
    }
    for (const phase of phases) await this.#lastLook(phase);
    if (this.#problems.length === 0) rmSync(folder, { recursive: true, force: true });
    return {
      kills,
      lost: this.#lost,
      corrupt: this.#corrupt,
      failed_starts: this.#failedStarts,
      orphans: this.#orphans,
      seed,
      phases: this.#counts,
      problems: this.#problems,
    };
  }

  async #round(kill: number, phase: Phase, random: () => number): Promise<void> {
    const world = await this.#worldFor(phase);
    const blow: Blow = random() < 0.5 ? "service" : "power";
    const share = random();
    await phase.prepare?.(world);
    await using service = KillableService.spawn(world.folder, fireSettings(phase.settings));
    if (phase.duringStartMs !== undefined) await pause(share * phase.duringStartMs);
    else if (await this.#started(service, world, phase)) await this.#strike(service, world, phase, share);
    else return;
    this.#orphans += await service.kill(blow);
    this.#leftBy.set(phase.name, kill);
    this.#counts[phase.name] = (this.#counts[phase.name] ?? 0) + 1;
    this.#options.log(`kill ${kill + 1} in "${phase.name}" (${blow})`);
  }

  /** Starts acting and waits until the phase's moment has come, and a random while longer. */
  async #strike(service: KillableService, world: World, phase: Phase, share: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const unarmed = setTimeout(() => {
        this.#options.log(`"${phase.name}" did not come to its moment`);
        resolve();
      }, UNARMED_MS);
      const strike = (withinMs: number) => {
        clearTimeout(unarmed);
        setTimeout(resolve, share * withinMs);
      };
      phase.act(service, world, strike).catch((error: unknown) => {
        // Killed under it: what was to be seen. Anything else is a finding.
        if (!isAppError(error, "E_SERVICE_NOT_RUNNING")) this.#report(phase, `act: ${String(error)}`, "lost");
      });
    });
  }

  async #worldFor(phase: Phase): Promise<World> {
    const old = this.#worlds.get(phase.name);
    if (old !== undefined && !phase.isSpent(old)) return old;
    if (old !== undefined) await this.#lastLook(phase);
    const fresh = (await this.#snapshots.get(phase.snapshot)).copyTo(join(this.#options.folder, phase.name));
    this.#worlds.set(phase.name, fresh);
    return fresh;
  }

  /** Waits for the service and checks what it promised before its last kill; false when there is no going on. */
  async #started(service: KillableService, world: World, phase: Phase): Promise<boolean> {
    try {
      await service.ready();
    } catch (error) {
      this.#report(phase, String(error), "failed start");
      this.#worlds.delete(phase.name);
      return false;
    }
    const { lost, corrupt } = await world.verify(service);
    for (const problem of lost) this.#report(phase, problem, "lost");
    for (const problem of corrupt) this.#report(phase, problem, "corrupt");
    return true;
  }

  /** One more start after the last kill of a world, a turn, and a clean stop. */
  async #lastLook(phase: Phase): Promise<void> {
    const world = this.#worlds.get(phase.name);
    if (world === undefined) return;
    await using service = KillableService.spawn(world.folder, fireSettings(LAST_LOOK));
    if (!(await this.#started(service, world, phase))) return;
    const { outcome } = (await service.call("say", { text: "is the garage door open?", aloud: false })) as {
      outcome: string;
    };
    if (outcome !== "answered") this.#report(phase, `a turn ended as ${outcome}`, "lost");
    const code = await service.stop();
    if (code !== 0) this.#report(phase, `stopping ended with ${code}`, "failed start");
    this.#worlds.delete(phase.name);
  }

  #report(phase: Phase, problem: string, kind: "lost" | "corrupt" | "failed start"): void {
    if (kind === "lost") this.#lost += 1;
    if (kind === "corrupt") this.#corrupt += 1;
    if (kind === "failed start") this.#failedStarts += 1;
    const kill = (this.#leftBy.get(phase.name) ?? -1) + 1;
    this.#problems.push(`after kill ${kill} in "${phase.name}": ${kind}: ${problem}`);
    this.#options.log(this.#problems.at(-1) ?? "");
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
