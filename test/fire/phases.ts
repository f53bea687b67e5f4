import { existsSync, readdirSync, watch } from "node:fs";
import { join } from "node:path";
import { delay, SystemClock } from "../../src/core/clock.ts";
import { isAppError } from "../../src/core/errors.ts";
import type { KillableService } from "../support/killable-service.ts";
import { downgrade } from "./downgrade.ts";
import { requestOf, wantedAnswerOf } from "./person.ts";
import type { SnapshotName } from "./snapshots.ts";
import type { ListedAdapter, World } from "./world.ts";

/** Has the service killed a random time from now, at most that long; the first call counts. */
export type Strike = (withinMs: number) => void;

/** Something the service does while it is killed. */
export interface Phase {
  readonly name: string;
  /** Where its world begins. */
  readonly snapshot: SnapshotName;
  readonly settings: readonly string[];
  /** Killed within this time of being spawned, instead of by `act`. */
  readonly duringStartMs?: number;
  /** Changes files of the stopped service. */
  prepare?(world: World): Promise<void>;
  /** Keeps the service busy with this until it is gone; rejects when it is. */
  act(service: KillableService, world: World, strike: Strike): Promise<void>;
  /** True when this world has nothing left for the phase, and a fresh copy is to be taken. */
  isSpent(world: World): boolean;
}

const RETRY_MS = 200;
/** No request is like another for so many turns (person.ts). */
const MAX_TURNS = 780;
const isOutOfTurns = (world: World) => world.nextTurn >= MAX_TURNS;
const noTraining = ["training.enabled=false"];
const clock = new SystemClock();

export const PHASES: readonly Phase[] = [
  {
    name: "turn",
    snapshot: "seeded",
    settings: noTraining,
    act: async (service, world, strike) => {
      strike(600);
      for (;;) await speak(service, world);
    },
    isSpent: isOutOfTurns,
  },
  {
    name: "feedback",
    snapshot: "seeded",
    settings: noTraining,
    act: async (service, world, strike) => {
      strike(600);
      for (;;) await correct(service, world, await speak(service, world));
    },
    isSpent: isOutOfTurns,
  },
  {
    name: "train",
    snapshot: "seeded",
    settings: [],
    act: (service, world, strike) => train(service, world, (state) => state === "training" && strike(8_000)),
    isSpent: hasAdapter,
  },
  {
    name: "checkpoint",
    snapshot: "seeded",
    settings: [],
    act: async (service, world, strike) => {
      // The adapter of each pass is sealed into this folder, and the job's record beside it.
      const folder = join(world.folder, "state", "adapters", world.profile);
      await train(service, world, (state) => {
        if (state !== "training") return;
        const watcher = watch(folder, () => {
          watcher.close();
          strike(30);
        });
      });
    },
    isSpent: hasAdapter,
  },
  {
    name: "gate",
    snapshot: "evaluating",
    settings: ["training.microUpdates=false"],
    act: async (service, world, strike) => {
      world.expectations.anyAdapter();
      strike(2_500); // an unfinished job is taken up by itself
      await new Promise((_, reject) => service.onJob((state) => state === "failed" && reject(new Error("job failed"))));
    },
    isSpent: hasAdapter,
  },
  {
    name: "swap",
    snapshot: "adapted",
    settings: ["training.microUpdates=false", "training.minIntervalMs=86400000"],
    act: async (service, world, strike) => {
      const adapters = (await service.call("adapterList", { profile: world.profile })) as ListedAdapter[];
      const [target] = adapters.filter(({ hasFile, state }) => hasFile && state !== "rejected" && state !== "revoked");
      if (target === undefined) throw new Error("there is no adapter to swap");
      strike(600);
      for (;;) {
        const activated = world.expectations.adapter(target.version);
        await service.call("adapterActivate", { version: target.version });
        activated();
        const rolledBack = world.expectations.adapter(null);
        const { active } = (await service.call("adapterRollback", {})) as { active: string | null };
        if (active !== null) throw new Error("rolled back to another adapter");
        rolledBack();
      }
    },
    isSpent: () => false,
  },
  {
    name: "delete",
    snapshot: "adapted",
    settings: ["training.microUpdates=false"],
    act: async (service, world, strike) => {
      world.expectations.anyAdapter(); // what was trained on the row is revoked, and trained anew without it
      const ids = await idsOf(service, world.profile);
      strike(400);
      for (const input of world.expectations.inputsOf(world.profile)) {
        const deleted = world.expectations.deletion(input);
        await service.call("interactionDelete", { interaction: ids.get(input) ?? "" });
        deleted();
      }
    },
    isSpent: (world) => world.expectations.inputsOf(world.profile).length < 10,
  },
  {
    name: "forget",
    snapshot: "seeded",
    settings: noTraining,
    act: async (service, world, strike) => {
      strike(250);
      for (let victim = world.victims.pop(); victim !== undefined; victim = world.victims.pop()) {
        const forgotten = world.expectations.forgetting(victim);
        await service.call("profileForget", { profile: victim });
        forgotten();
      }
    },
    isSpent: (world) => world.victims.length === 0,
  },
  {
    name: "migration",
    snapshot: "seeded",
    settings: noTraining,
    duringStartMs: 1_500,
    prepare: (world) => downgrade(join(world.folder, "state", "profiles", "profiles.db")),
    act: async () => {},
    isSpent: () => false,
  },
];

/** One turn; @returns its text. */
async function speak(service: KillableService, world: World): Promise<string> {
  const input = requestOf(world.nextTurn);
  world.nextTurn += 1;
  const stored = world.expectations.turn(world.profile, input);
  await service.call("say", { text: input, aloud: false });
  stored();
  return input;
}

async function correct(service: KillableService, world: World, input: string): Promise<void> {
  const wanted = wantedAnswerOf(world.nextTurn - 1);
  const recorded = world.expectations.correction(input, wanted);
  await service.call("feedback", { kind: "correction", correction: wanted });
  recorded();
}

/** Has it train, and reports each state of the job. */
export async function train(service: KillableService, world: World, onState: (state: string) => void): Promise<void> {
  world.expectations.anyAdapter();
  const over = new Promise<void>((resolve) => {
    service.onJob((state) => {
      onState(state);
      if (state === "active" || state === "rejected" || state === "failed") resolve();
    });
  });
  await askToTrain(service);
  await over;
}

/** Until the governor gives the trainer a share, and unless a job of before the kill has been taken up already. */
async function askToTrain(service: KillableService): Promise<void> {
  for (;;) {
    try {
      await service.call("trainNow", {});
      return;
    } catch (error) {
      if (!isAppError(error, "E_TRAINING_INELIGIBLE")) throw error;
      const { job } = (await service.call("trainStatus", {})) as { job: unknown };
      if (job !== null) return;
      await delay(clock, RETRY_MS);
    }
  }
}

async function idsOf(service: KillableService, profile: string): Promise<Map<string, string>> {
  const { interactions } = (await service.call("profileExport", { profile })) as {
    interactions: { id: string; input: string }[];
  };
  return new Map(interactions.map(({ id, input }) => [input, id]));
}

/** A job came to its end: its adapter lies in the store, in use or refused. */
function hasAdapter(world: World): boolean {
  const folder = join(world.folder, "state", "adapters", world.profile);
  return existsSync(folder) && readdirSync(folder).some((name) => /^a_[0-9a-f]+\.json\.sealed$/.test(name));
}
