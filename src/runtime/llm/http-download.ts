import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, rm, stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { fileWriteError } from "../../core/atomic-file.ts";
import type { Clock } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";

export interface DownloadRequest {
  readonly url: URL;
  /** Grows while data arrives and stays when the connection breaks. */
  readonly partPath: string;
  /** ETag of what the part file holds the beginning of, when known: another file is then not continued. */
  readonly partEtag: string | null;
  /** Sent to the first host only, never to where it redirects. */
  readonly token?: string;
  readonly signal: AbortSignal;
  /** total is null while the server has not said. */
  /** Called before the first byte of a new part file is written. */
  onBegin(etag: string | null): Promise<void>;
  onProgress(receivedBytes: number, totalBytes: number | null): void;
}

export interface Downloaded {
  readonly sha256: string;
  readonly sizeBytes: number;
  /** What the hub says the file's SHA-256 is, or null. */
  readonly promisedSha256: string | null;
}

const MAX_REDIRECTS = 5;
const STALL_MS = 60_000;
/** Left free on the partition: the profile database must be able to write. */
const SPARE_BYTES = 64 * 1024 * 1024;

/**
 * Fetches into the part file, going on where an earlier call stopped when the server can (Range); a server that cannot
 * begins again. The caller checks the hash and renames.
 *
 * @throws AppError E_DOWNLOAD_REFUSED (4xx), E_DOWNLOAD_INTERRUPTED (5xx, broken or stalled connection; the part
 *   stays), E_DISK_FULL, E_FILE_UNWRITABLE, E_ABORTED (the part stays).
 */
export async function downloadToPart(request: DownloadRequest, clock: Clock): Promise<Downloaded> {
  const have = await sizeOf(request.partPath);
  const stop = new StallGuard(clock, request.signal);
  try {
    const { response, promisedSha256, linkedSize } = await openResponse(request, have, stop.signal);
    if (response.status === 416) {
      await response.body?.cancel();
      return await finishOrRestart(request, clock, have, response, promisedSha256);
    }
    refuseErrors(response);
    const from = response.status === 206 ? rangeStart(response) : 0;
    if (from !== have && from !== 0) throw interrupted("the server sent another part than the one asked for");
    const length = Number(response.headers.get("content-length") ?? Number.NaN);
    const total = Number.isFinite(length) ? from + length : linkedSize;
    if (from === 0) await request.onBegin(strongEtag(response));
    if (total !== null) await ensureSpace(request.partPath, total - from);
    const { hash, size } = await writeBody(request, response, from, total, stop);
    if (total !== null && size !== total) throw interrupted(`the connection ended after ${size} of ${total} bytes`);
    return { sha256: hash.digest("hex"), sizeBytes: size, promisedSha256 };
  } catch (error) {
    if (request.signal.aborted) throw new AppError("E_ABORTED", "the download was cancelled", { cause: error });
    if (error instanceof AppError) throw error;
    throw interrupted(stop.isStalled ? "no data came for a minute" : "the connection broke", error);
  } finally {
    stop.end();
  }
}

/** Fires when nothing has come for a while, or when the caller's signal does. */
class StallGuard {
  readonly signal: AbortSignal;
  isStalled = false;
  readonly #clock: Clock;
  readonly #controller = new AbortController();
  #cancel = () => {};

  constructor(clock: Clock, outer: AbortSignal) {
    this.#clock = clock;
    this.signal = AbortSignal.any([outer, this.#controller.signal]);
    this.progress();
  }

  progress(): void {
    this.#cancel();
    this.#cancel = this.#clock.after(STALL_MS, () => {
      this.isStalled = true;
      this.#controller.abort();
    });
  }

  end(): void {
    this.#cancel();
  }
}

interface Opened {
  readonly response: Response;
  readonly promisedSha256: string | null;
  readonly linkedSize: number | null;
}

/** Follows redirects by hand: the hub puts hash and size of the file on the redirect, not on the file. */
async function openResponse(request: DownloadRequest, have: number, signal: AbortSignal): Promise<Opened> {
  const { url, token, partEtag } = request;
  let promisedSha256: string | null = null;
  let linkedSize: number | null = null;
  let next = url;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const headers = new Headers({ "user-agent": "asls", "accept-encoding": "identity" });
    if (have > 0) headers.set("range", `bytes=${have}-`);
    if (have > 0 && partEtag !== null) headers.set("if-range", partEtag);
    if (token !== undefined && next.origin === url.origin) headers.set("authorization", `Bearer ${token}`);
    const response = await fetch(next, { headers, redirect: "manual", signal });
    promisedSha256 ??= sha256Of(response.headers.get("x-linked-etag"));
    linkedSize ??= Number(response.headers.get("x-linked-size")) || null;
    const location = response.headers.get("location");
    if (response.status < 300 || response.status >= 400 || location === null) {
      return { response, promisedSha256, linkedSize };
    }
    await response.body?.cancel();
    next = new URL(location, next);
    if (url.protocol === "https:" && next.protocol !== "https:") {
      throw new AppError("E_DOWNLOAD_REFUSED", "the server redirects from https to an unprotected address");
    }
  }
  throw new AppError("E_DOWNLOAD_REFUSED", "the server redirects in circles");
}

function sha256Of(etag: string | null): string | null {
  return /^"?([0-9a-f]{64})"?$/.exec(etag ?? "")?.[1] ?? null;
}

function strongEtag(response: Response): string | null {
  const etag = response.headers.get("etag");
  return etag?.startsWith('"') ? etag : null;
}

function refuseErrors({ status }: Response): void {
  if (status === 200 || status === 206) return;
  if (status >= 500 || status === 429 || status === 408) throw interrupted(`the server answered ${status}`);
  throw new AppError("E_DOWNLOAD_REFUSED", `the server answered ${status}`, { details: { status } });
}

/** The part is as long as the file already, or longer, which means that it is of another file. */
async function finishOrRestart(
  request: DownloadRequest,
  clock: Clock,
  have: number,
  response: Response,
  promisedSha256: string | null,
): Promise<Downloaded> {
  const total = Number(/\*\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1] ?? Number.NaN);
  if (have === total) {
    const hash = await hashOfPart(request.partPath, have);
    return { sha256: hash.digest("hex"), sizeBytes: have, promisedSha256 };
  }
  await rm(request.partPath, { force: true });
  if (have === 0) throw new AppError("E_DOWNLOAD_REFUSED", "the server answered 416 to a request for the whole file");
  return downloadToPart(request, clock);
}

function rangeStart(response: Response): number {
  return Number(/^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1] ?? Number.NaN);
}

async function writeBody(
  { partPath, onProgress }: DownloadRequest,
  response: Response,
  from: number,
  total: number | null,
  stop: StallGuard,
): Promise<{ hash: Hash; size: number }> {
  const hash = await hashOfPart(partPath, from);
  let size = from;
  let file: FileHandle | undefined;
  try {
    file = await open(partPath, from === 0 ? "w" : "a", 0o600);
    onProgress(size, total);
    for await (const chunk of response.body ?? []) {
      hash.update(chunk);
      await file.write(chunk).catch((error: unknown) => {
        throw fileWriteError(error, partPath);
      });
      size += chunk.length;
      stop.progress();
      onProgress(size, total);
    }
    await file.sync();
  } finally {
    await file?.close();
  }
  return { hash, size };
}

async function hashOfPart(path: string, bytes: number): Promise<Hash> {
  const hash = createHash("sha256");
  if (bytes === 0) return hash;
  for await (const chunk of createReadStream(path, { end: bytes - 1, highWaterMark: 1024 * 1024 })) hash.update(chunk);
  return hash;
}

async function ensureSpace(path: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(path));
  const freeBytes = bavail * bsize;
  if (freeBytes < neededBytes + SPARE_BYTES) {
    throw new AppError(
      "E_DISK_FULL",
      `the model needs ${megabytes(neededBytes)} MB more and 64 MB to spare; ${megabytes(freeBytes)} MB are free`,
      { details: { neededBytes, freeBytes } },
    );
  }
}

function megabytes(bytes: number): number {
  return Math.ceil(bytes / 1e6);
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

function interrupted(reason: string, cause?: unknown): AppError {
  return new AppError("E_DOWNLOAD_INTERRUPTED", `the download stopped: ${reason}`, { cause });
}
