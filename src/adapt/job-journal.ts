import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { Mutex } from "async-mutex";
import * as v from "valibot";
import { fileWriteError, writeFileAtomic } from "../core/atomic-file.ts";
import { AppError, isEnoent } from "../core/errors.ts";
import type { ProfileFiles } from "../profile/ports.ts";
import { gateSchema, parseJson, scheduleSchema } from "./adapter-manifest.ts";
import { JOB_KINDS, JOB_STATES, type JobTempo, tempoOf } from "./job.ts";
import { resealFiles } from "./reseal-files.ts";

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const ids = v.pipe(v.array(v.string()), v.readonly());

const passesSchema = v.strictObject({
  surprise: v.number(),
  startLoss: v.nullable(v.number()),
  rate: v.strictObject({
    lr: v.number(),
    bestLoss: v.number(),
    bestPass: count,
    stalled: count,
    isFinished: v.boolean(),
  }),
  passes: scheduleSchema.entries.passes,
});

const candidateSchema = v.strictObject({
  sha256: v.string(),
  schedule: scheduleSchema,
  warmStart: v.nullable(v.string()),
  trainedInteractionIds: ids,
  trainedExampleIds: ids,
  plan: v.nullable(
    v.strictObject({ backend: v.string(), device: v.string(), kernels: v.string(), backward: v.string() }),
  ),
});

const recordSchema = v.strictObject({
  v: v.literal(1),
  id: v.string(),
  profileId: v.string(),
  kind: v.picklist(JOB_KINDS),
  /** Of a task job. */
  domain: v.optional(v.nullable(v.string()), null),
  state: v.picklist(JOB_STATES),
  createdAtMs: v.number(),
  base: v.string(),
  /** Interactions as they were when it was prepared, oldest first; null before. */
  interactionIds: v.nullable(ids),
  /** Of everything that decides the training's bytes; work of an earlier process counts only when it is the same. */
  dataDigest: v.nullable(v.string()),
  done: v.nullable(passesSchema),
  candidate: v.nullable(candidateSchema),
  gate: v.nullable(gateSchema),
  version: v.nullable(v.string()),
  failure: v.nullable(v.string()),
});

/** A job as it is on disk: ids and numbers, no user text. */
export type JobRecord = v.InferOutput<typeof recordSchema>;
export type JobCandidate = NonNullable<JobRecord["candidate"]>;

/**
 * The newest job of each tempo and profile, `<folder>/<profile>/*-job.json`, and the adapters that a full one has come to so
 * far, sealed beside it.
 * Every write is atomic, so that a job is found in the state before or after a step, never in between.
 */
export class JobJournal {
  readonly #folder: string;
  readonly #files: ProfileFiles;
  /** A file must not be read before and written after somebody replaced it. */
  readonly #sealing = new Mutex();

  /** @param folder the adapter store's. */
  constructor(folder: string, files: ProfileFiles) {
    this.#folder = folder;
    this.#files = files;
  }

  /** The newest job of that kind, over or not; null when there was none or its record is unreadable. */
  async read(profileId: string, tempo: JobTempo): Promise<JobRecord | null> {
    try {
      return parseJson(await readFile(this.#path(profileId, RECORDS[tempo])), recordSchema, "the record of a job");
    } catch (error) {
      if (isEnoent(error) || (error instanceof AppError && error.code === "E_ADAPTER_INVALID")) return null;
      throw error;
    }
  }

  /** @throws AppError E_DISK_FULL, E_FILE_UNWRITABLE. */
  async write(record: JobRecord): Promise<void> {
    await this.#makeFolder(record.profileId);
    const name = RECORDS[tempoOf(record.kind)];
    await writeFileAtomic(this.#path(record.profileId, name), JSON.stringify(record));
  }

  /** Keeps a copy of an adapter for after a restart. */
  async keep(profileId: string, name: string, path: string): Promise<void> {
    await this.#makeFolder(profileId);
    await this.#sealing.runExclusive(async () => {
      const sealed = await this.#files.seal(profileId, SCRATCH + name, await readFile(path));
      await writeFileAtomic(this.#path(profileId, SCRATCH + name), sealed);
    });
  }

  /** Seals what was kept anew where an older key of the profile has sealed it. Returns the number of files. */
  async reseal(profileId: string): Promise<number> {
    return await this.#sealing.runExclusive(async () => {
      const folder = join(this.#folder, profileId);
      const names = (await namesIn(folder)).filter((name) => name.startsWith(SCRATCH));
      return await resealFiles(this.#files, profileId, folder, names);
    });
  }

  /** Puts a kept adapter to that path; false when there is none. */
  async restore(profileId: string, name: string, path: string): Promise<boolean> {
    let sealed: Uint8Array;
    try {
      sealed = await readFile(this.#path(profileId, SCRATCH + name));
    } catch (error) {
      if (isEnoent(error)) return false;
      throw error;
    }
    await writeFileAtomic(path, await this.#files.open(profileId, SCRATCH + name, sealed));
    return true;
  }

  /** Removes what was kept but these. */
  async dropKept(profileId: string, except: readonly string[] = []): Promise<void> {
    await this.#sealing.runExclusive(async () => {
      const folder = join(this.#folder, profileId);
      for (const name of await namesIn(folder)) {
        if (name.startsWith(SCRATCH) && !except.includes(name.slice(SCRATCH.length))) {
          await rm(join(folder, name), { force: true });
        }
      }
    });
  }

  #path(profileId: string, name: string): string {
    return join(this.#folder, profileId, name);
  }

  async #makeFolder(profileId: string): Promise<void> {
    try {
      await mkdir(join(this.#folder, profileId), { recursive: true, mode: 0o700 });
    } catch (error) {
      throw fileWriteError(error, this.#folder);
    }
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isEnoent(error)) return [];
    throw error;
  }
}

const RECORDS: Readonly<Record<JobTempo, string>> = {
  full: "full-job.json",
  micro: "micro-job.json",
  task: "task-job.json",
};
const SCRATCH = "job-";
