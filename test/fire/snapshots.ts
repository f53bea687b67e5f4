import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { KillableService } from "../support/killable-service.ts";
import { Expectations } from "./expectations.ts";
import { requestOf, wantedAnswerOf } from "./person.ts";
import { train } from "./phases.ts";
import { fireSettings } from "./settings.ts";
import { World } from "./world.ts";

/**
 * Where worlds begin. seeded: a person of 40 corrected turns, and people who may be forgotten; evaluating: that person's
 * job was killed while its candidate was measured; adapted: its adapter answers.
 */
export type SnapshotName = "seeded" | "evaluating" | "adapted";

/** Longer than `buttons.holdMs` of the fire's services. */
const HOLD_MS = 700;
const SEED_TURNS = 40;
const VICTIMS = 6;
const VICTIM_TURNS = 2;

/** Makes the snapshots with real services: everything in them came about as on a device. */
export class Snapshots {
  readonly #folder: string;
  readonly #made = new Map<SnapshotName, World>();
  readonly #log: (line: string) => void;

  constructor(folder: string, log: (line: string) => void) {
    this.#folder = folder;
    this.#log = log;
  }

  /** That snapshot, made at its first use. Not running; copy it. */
  async get(name: SnapshotName): Promise<World> {
    const known = this.#made.get(name);
    if (known !== undefined) return known;
    this.#log(`making the snapshot "${name}"`);
    const world = await this.#make(name);
    this.#made.set(name, world);
    return world;
  }

  async #make(name: SnapshotName): Promise<World> {
    const folder = join(this.#folder, `snapshot-${name}`);
    if (name === "seeded") return await seed(folder);
    if (name === "evaluating") {
      const world = (await this.get("seeded")).copyTo(folder);
      await using service = await started(world);
      await new Promise<void>((resolve, reject) => {
        train(service, world, (state) => state === "evaluating" && resolve()).catch(reject);
      });
      await service.kill("power");
      return world;
    }
    const world = (await this.get("evaluating")).copyTo(folder);
    await using service = await started(world);
    const adapterOf = async () => ((await service.call("status", {})) as { adapter: string | null }).adapter;
    await new Promise<void>((resolve, reject) => {
      service.onJob((state) => {
        if (state === "active") resolve();
        if (state === "rejected" || state === "failed") reject(new Error(`the person's adapter was ${state}`));
      });
      // It may have been over before anybody listened.
      adapterOf().then((adapter) => adapter !== null && resolve(), reject);
    });
    world.expectations.adapterIs(await adapterOf());
    await service.stop();
    return world;
  }
}

async function started(world: World): Promise<KillableService> {
  const service = KillableService.spawn(world.folder, fireSettings(["training.microUpdates=false"]));
  await service.ready();
  return service;
}

async function seed(folder: string): Promise<World> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const expectations = new Expectations();
  await using service = KillableService.spawn(folder, fireSettings(["training.enabled=false"]));
  await service.ready();
  let turn = 0;
  const talk = async (profile: string, turns: number) => {
    for (let said = 0; said < turns; said += 1, turn += 1) {
      const input = requestOf(turn);
      const stored = expectations.turn(profile, input);
      await service.call("say", { text: input, aloud: false });
      stored();
      const recorded = expectations.correction(input, wantedAnswerOf(turn));
      await service.call("feedback", { kind: "correction", correction: wantedAnswerOf(turn) });
      recorded();
    }
  };
  const victims: string[] = [];
  for (let made = 0; made < VICTIMS; made += 1) {
    const victim = await become(service, `person ${made}`);
    await talk(victim, VICTIM_TURNS);
    victims.push(victim);
  }
  const profile = await become(service, "gardener");
  await talk(profile, SEED_TURNS);
  await service.stop();
  return new World(folder, expectations, profile, victims, turn);
}

/** Makes and selects a profile, and grants with the talk button held. */
async function become(service: KillableService, label: string): Promise<string> {
  const { id } = (await service.call("profileCreate", { label })) as { id: string };
  await service.call("profileSelect", { profile: id });
  for (const purpose of ["store", "train"] as const) {
    const granting = service.call("consent", { purpose, granted: true });
    await service.call("press", { button: "talk", holdMs: HOLD_MS });
    await granting;
  }
  return id;
}
