import { chmod, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, isAbsolute, join } from "node:path";
import * as v from "valibot";
import { stringify } from "yaml";
import { fileWriteError, syncFolder, writeFileAtomic } from "../../core/atomic-file.ts";
import { type Clock, delay } from "../../core/clock.ts";
import { AppError, isAppError, isEnoent, toAppError } from "../../core/errors.ts";
import { fileSha256 } from "../../core/file-hash.ts";
import { type Downloaded, downloadToPart } from "./http-download.ts";
import { inspectModel, type ModelFile } from "./model-file.ts";
import { parseModelSource } from "./model-source.ts";

export interface ModelStorePaths {
  /** Downloaded models; made when the first one comes. */
  readonly modelsDir: string;
  /** Models of the package; read-only. */
  readonly shippedDir: string;
  /** Folder of asls.yaml and conf.d. */
  readonly configDir: string;
}

export interface StoredModel {
  /** File name, which `use` and `show` take. */
  readonly fileName: string;
  readonly path: string;
  readonly origin: "shipped" | "downloaded";
  /** What the file says, or why it cannot be used. */
  readonly content: ModelFile | AppError;
}

export interface PullRequest {
  /** `hf:org/repo/file.gguf` or an address. */
  readonly source: string;
  /** Expected SHA-256, 64 hex digits; default: the one the hub announces, if it does. */
  readonly sha256?: string;
  readonly token?: string;
  readonly hubUrl?: string;
  readonly extraArchitectures?: readonly string[];
  readonly signal: AbortSignal;
  onProgress(receivedBytes: number, totalBytes: number | null): void;
}

export interface PulledModel {
  readonly path: string;
  readonly sha256: string;
  /** True when the hash was compared with one that was given or announced. */
  readonly isVerified: boolean;
  /** False when the file was in the store already. */
  readonly isNew: boolean;
}

/** Attempts that bring nothing before giving up; one that brought data starts the count anew. */
const MAX_FRUITLESS_ATTEMPTS = 3;
const RETRY_MS = 2_000;
const PART_NOTE = v.object({ url: v.string(), etag: v.nullable(v.string()) });
const CHOICE_FILE = "50-model.yaml";

/** The GGUF files of this device. */
export class ModelStore {
  readonly #paths: ModelStorePaths;
  readonly #clock: Clock;

  constructor(paths: ModelStorePaths, clock: Clock) {
    this.#paths = paths;
    this.#clock = clock;
  }

  /** Every .gguf file, shipped ones first, by name; a bad file is listed with its error. */
  async list(extraArchitectures: readonly string[] = []): Promise<StoredModel[]> {
    const models: StoredModel[] = [];
    for (const [folder, origin] of [
      [this.#paths.shippedDir, "shipped"],
      [this.#paths.modelsDir, "downloaded"],
    ] as const) {
      for (const fileName of await ggufNames(folder)) {
        const path = join(folder, fileName);
        const content = await inspectModel(path, extraArchitectures).catch((error: unknown) =>
          toAppError(error, "E_MODEL_INVALID", "the file cannot be read as a model"),
        );
        // The shipped warm start lies beside the models; it is not one.
        if (content instanceof AppError && content.details.type === "adapter") continue;
        models.push({ fileName, path, origin, content });
      }
    }
    return models;
  }

  /**
   * Path of a model named as the user names it: absolute path, or file name in the store with or without `.gguf`;
   * downloaded ones come before shipped ones.
   * @throws AppError E_MODEL_MISSING.
   */
  async find(name: string): Promise<string> {
    if (isAbsolute(name)) return name;
    for (const folder of [this.#paths.modelsDir, this.#paths.shippedDir]) {
      const names = await ggufNames(folder);
      const found = names.find((candidate) => candidate === name || candidate === `${name}.gguf`);
      if (found !== undefined) return join(folder, found);
    }
    throw new AppError("E_MODEL_MISSING", `no model of the name ${JSON.stringify(basename(name))} in the store`);
  }

  /**
   * Makes this the model of the next start: checks it and writes `model.path` into conf.d.
   * @returns its absolute path and the file written.
   * @throws AppError as {@link inspectModel}, E_FILE_UNWRITABLE, E_DISK_FULL.
   */
  async use(name: string, extraArchitectures: readonly string[] = []): Promise<{ path: string; configFile: string }> {
    const path = await this.find(name);
    await inspectModel(path, extraArchitectures);
    const folder = join(this.#paths.configDir, "conf.d");
    await makeFolder(folder, 0o755);
    const configFile = join(folder, CHOICE_FILE);
    const text = `# Written by \`asls model use\`; delete this file to go back to the shipped model.\n${stringify({ model: { path } })}`;
    // Readable for the service's own user, who is not the one who runs this command.
    await writeFileAtomic(configFile, text, 0o644);
    return { path, configFile };
  }

  /**
   * Fetches a model into the store: resumes, verifies, checks that it can be used, and only then gives it its name.
   * @throws AppError E_DOWNLOAD_URL, E_DOWNLOAD_REFUSED, E_DOWNLOAD_INTERRUPTED (call again to go on), E_DOWNLOAD_HASH,
   *   E_DISK_FULL, E_FILE_UNWRITABLE, E_ABORTED, and as {@link inspectModel} when what came is no usable model.
   */
  async pull(request: PullRequest): Promise<PulledModel> {
    const { url, fileName } = parseModelSource(request.source, request.hubUrl);
    const expected = request.sha256?.toLowerCase();
    if (expected !== undefined && !/^[0-9a-f]{64}$/.test(expected)) {
      throw new AppError("E_USAGE", "a SHA-256 has 64 hexadecimal digits");
    }
    await makeFolder(this.#paths.modelsDir, 0o755);
    const path = join(this.#paths.modelsDir, fileName);
    const present = await presentModel(path, expected);
    if (present !== null) return present;

    const partPath = `${path}.part`;
    const downloaded = await this.#downloadWithRetries({ ...request, url, partPath });
    const promised = expected ?? downloaded.promisedSha256;
    try {
      if (promised !== null && downloaded.sha256 !== promised) {
        throw new AppError("E_DOWNLOAD_HASH", `SHA-256 is ${downloaded.sha256}, promised was ${promised}`);
      }
      await inspectModel(partPath, request.extraArchitectures ?? []);
    } catch (error) {
      await removePart(partPath);
      throw error;
    }
    try {
      // Weights are no secret, and whoever fetches them is rarely the user that the service runs as.
      await chmod(partPath, 0o644);
      await rename(partPath, path);
      await syncFolder(this.#paths.modelsDir);
    } catch (error) {
      throw fileWriteError(error, path);
    }
    await rm(noteOf(partPath), { force: true });
    return { path, sha256: downloaded.sha256, isVerified: promised !== null, isNew: true };
  }

  /** ETag of the part file; a part that another address left under this name is deleted. */
  async #partEtag(partPath: string, url: URL): Promise<string | null> {
    const text = await readFile(noteOf(partPath), "utf8").catch(() => "{}");
    const note = v.safeParse(PART_NOTE, parseJson(text));
    if (note.success && note.output.url === url.href) return note.output.etag;
    await rm(partPath, { force: true });
    return null;
  }

  async #downloadWithRetries(request: PullRequest & { url: URL; partPath: string }): Promise<Downloaded> {
    let fruitless = 0;
    let best = 0;
    for (;;) {
      const before = best;
      try {
        return await downloadToPart(
          {
            ...request,
            partEtag: await this.#partEtag(request.partPath, request.url),
            // An address holds no secret: a token travels in a header.
            onBegin: (etag) =>
              writeFileAtomic(noteOf(request.partPath), JSON.stringify({ url: request.url.href, etag })),
            onProgress: (received, total) => {
              best = Math.max(best, received);
              request.onProgress(received, total);
            },
          },
          this.#clock,
        );
      } catch (error) {
        fruitless = best > before ? 0 : fruitless + 1;
        if (!isAppError(error, "E_DOWNLOAD_INTERRUPTED") || fruitless >= MAX_FRUITLESS_ATTEMPTS) throw error;
        await delay(this.#clock, RETRY_MS * 2 ** fruitless, request.signal);
      }
    }
  }
}

async function presentModel(path: string, expected: string | undefined): Promise<PulledModel | null> {
  const sha256 = await fileSha256(path).catch((error: unknown) => {
    if (isAppError(error, "E_FILE_UNREADABLE") && isEnoent(error.cause)) return null;
    throw error;
  });
  // Without a hash the name is all there is to go by: delete the file to fetch it anew.
  if (sha256 === null || (expected !== undefined && sha256 !== expected)) return null;
  return { path, sha256, isVerified: expected !== undefined, isNew: false };
}

async function removePart(partPath: string): Promise<void> {
  await rm(partPath, { force: true });
  await rm(noteOf(partPath), { force: true });
}

/** Beside a part file: which file it is the beginning of. */
function noteOf(partPath: string): string {
  return `${partPath}.json`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // cut off by a power failure: as good as no note
  }
}

async function makeFolder(folder: string, mode: number): Promise<void> {
  await mkdir(folder, { recursive: true, mode }).catch((error: unknown) => {
    throw fileWriteError(error, folder);
  });
}

async function ggufNames(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => /\.gguf$/i.test(name)).sort();
  } catch (error) {
    if (isEnoent(error)) return [];
    throw new AppError("E_FILE_UNREADABLE", `cannot list ${folder}`, { cause: error });
  }
}
