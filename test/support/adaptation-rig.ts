import { cp } from "node:fs/promises";
import type { AdaptationConfig, AdaptationDeps } from "../../src/adapt/adaptation-ports.ts";
import { AdaptationService } from "../../src/adapt/adaptation-service.ts";
import { type AdapterListing, AdapterStore } from "../../src/adapt/adapter-store.ts";
import type { TrainingHold } from "../../src/adapt/eligibility.ts";
import { plainPrompt } from "../../src/adapt/examples.ts";
import { isJobOver, type JobState } from "../../src/adapt/job.ts";
import { JobJournal } from "../../src/adapt/job-journal.ts";
import type { BaseModel } from "../../src/adapt/job-world.ts";
import { DEFAULT_TRAINING_SETTINGS, type TrainingSettings } from "../../src/adapt/training-settings.ts";
import type { ErrorCode } from "../../src/core/errors.ts";
import { fileSha256 } from "../../src/core/file-hash.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { FileUpdateLock } from "../../src/core/update-lock.ts";
import { HashedNgramEmbedder } from "../../src/profile/hashed-ngram-embedder.ts";
import type { OpenProfileStore } from "../../src/profile/open-profile-store.ts";
import type { Interaction } from "../../src/profile/ports.ts";
import { FakeClock } from "./fake-clock.ts";
import { openTestStore } from "./profile-store.ts";
import { makeTempDir, type TempDir } from "./temp-dir.ts";
import { generalText, probeSet, realTrainer, SEED_MODEL, seedEncoder } from "./trainer-rig.ts";

const CONFIG: AdaptationConfig = {
  policy: { minNewInteractions: 10, minInteractions: 10, quietMs: 60_000, minIntervalMs: 3_600_000 },
  microUpdates: true,
  taskAdapters: false,
  checkMs: 30_000,
  graceMs: 1_000,
  keepVersions: 3,
  seed: 1,
};

/** Quick enough for tests, and still learning: two passes of rank 8. */
export const QUICK_SETTINGS: TrainingSettings = {
  ...DEFAULT_TRAINING_SETTINGS,
  maxPasses: 2,
  lora: { ...DEFAULT_TRAINING_SETTINGS.lora, rank: 8, alpha: 16 },
};

export interface RigChanges {
  readonly deps?: Partial<AdaptationDeps>;
  readonly config?: Partial<AdaptationConfig>;
  readonly settings?: TrainingSettings;
}

/** The real adaptation layer with real store, trainer and seed model; time stands still and adapters are noted down. */
export class AdaptationRig implements AsyncDisposable {
  readonly folder: TempDir;
  readonly clock = new FakeClock();
  readonly jobs: JobState[] = [];
  /** Told to the governor. */
  readonly training: boolean[] = [];
  readonly alerts = new Map<ErrorCode, string>();
  /** Paths given to the language model, oldest first. */
  readonly used: (string | null)[] = [];
  base: BaseModel;
  readonly opened: OpenProfileStore;
  readonly store: AdapterStore;
  readonly journal: JobJournal;
  readonly service: AdaptationService;
  /** As the owner's switches are; `service.holdChanged` tells of a change. */
  hold: TrainingHold | null = null;
  readonly #changes: RigChanges;

  private constructor(folder: TempDir, opened: OpenProfileStore, base: BaseModel, changes: RigChanges) {
    this.folder = folder;
    this.opened = opened;
    this.base = base;
    this.#changes = changes;
    const made = this.#compose(opened);
    this.store = made.store;
    this.journal = made.journal;
    this.service = made.service;
  }

  /** @param from a folder of another rig as it was at some instant, to go on from; it is copied. */
  static async make(changes: RigChanges = {}, from: string | null = null): Promise<AdaptationRig> {
    const folder = await makeTempDir("adaptation");
    if (from !== null) await cp(from, folder.path, { recursive: true });
    const base = { path: SEED_MODEL, sha256: await fileSha256(SEED_MODEL), name: "seed", isTrainable: true };
    return new AdaptationRig(folder, await openTestStore(folder), base, changes);
  }

  /** Id of the active profile, which allows storing and training. */
  async consentingProfile(): Promise<string> {
    const { store } = this.opened;
    const { id } = await store.active();
    await store.setConsent(id, "store", true, "button");
    await store.setConsent(id, "train", true, "button");
    return id;
  }

  /** Stores turns with their signals; returns their ids. */
  async tell(profileId: string, turns: readonly Interaction[]): Promise<string[]> {
    const ids: string[] = [];
    for (const { signals, id: _, satisfaction: __, ...turn } of turns) {
      const outcome = await this.opened.store.record({ ...turn, profileId });
      if (outcome.kind !== "stored") throw new Error(`not stored: ${outcome.reason}`);
      for (const signal of signals) await this.opened.store.addSignal(outcome.interactionId, signal);
      ids.push(outcome.interactionId);
    }
    return ids;
  }

  /** Asks for a full job and waits until no job is under way and none follows from it. */
  async trainNow(): Promise<void> {
    await this.service.trainNow();
    await this.jobOver();
  }

  /** Resolves when `count` jobs have ended from now on, or since `from` states of jobs. */
  async jobOver(from = this.jobs.length, count = 1): Promise<void> {
    await this.#afterJobEvents(() => this.jobs.slice(from).filter((state) => isJobOver(state)).length >= count);
    await this.#afterJobEvents(async () => (await this.service.status()).job === null);
  }

  /** Looks again at each event of a job: looking all the time would take a core from the trainer. */
  async #afterJobEvents(holds: () => boolean | Promise<boolean>): Promise<void> {
    for (;;) {
      const stops: (() => void)[] = [];
      const changed = new Promise<void>((resolve) => {
        stops.push(
          this.service.on("job", () => resolve()),
          this.service.on("jobEnded", () => resolve()),
        );
      });
      try {
        if (await holds()) return;
        await changed;
      } finally {
        for (const stop of stops) stop();
      }
    }
  }

  /** What the newest full job came to. The clock stands still here, so that times do not tell which one is newest. */
  async full(profileId: string): Promise<AdapterListing | undefined> {
    const version = (await this.journal.read(profileId, "full"))?.version;
    const listings = await this.store.list(profileId, this.base.sha256);
    return listings.find(({ manifest }) => manifest.version === version);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service.stop();
    await this.opened.close();
    await this.folder.dispose();
  }

  #compose(opened: OpenProfileStore) {
    const { clock } = this;
    const folder = this.folder.join("adapters");
    const openedFolder = this.folder.join("run", "adapters");
    const store = new AdapterStore({ folder, openedFolder, files: opened.files, clock, logger: silentLogger });
    const journal = new JobJournal(folder, opened.files);
    const deps: AdaptationDeps = {
      clock,
      log: silentLogger,
      archive: opened.archive,
      store,
      journal,
      trainer: realTrainer(),
      embedder: new HashedNgramEmbedder(),
      settings: this.#changes.settings ?? QUICK_SETTINGS,
      workFolder: this.folder.join("run", "training"),
      compose: plainPrompt,
      general: generalText,
      probes: probeSet,
      openEncoder: seedEncoder,
      warmStart: async () => null,
      base: () => this.base,
      budget: () => ({ duty: 1, threads: 1, reason: "test" }),
      hold: () => this.hold,
      useAdapter: async (path) => {
        this.used.push(path);
      },
      updates: new FileUpdateLock(this.folder.join("update.lock"), clock, silentLogger),
      onTraining: (isTraining) => this.training.push(isTraining),
      alert: (code, message) => {
        if (message === null) this.alerts.delete(code);
        else this.alerts.set(code, message);
      },
      ...this.#changes.deps,
    };
    const service = new AdaptationService(deps, { ...CONFIG, ...this.#changes.config });
    service.on("job", ({ state }) => this.jobs.push(state));
    return { store, journal, service };
  }
}
