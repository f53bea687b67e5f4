import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { type SeenEvent, WatchedService } from "../../src/cli/demo/watched-service.ts";
import { delay, SystemClock } from "../../src/core/clock.ts";
import { AppError } from "../../src/core/errors.ts";
import type { ControlMethod, ControlParams } from "../../src/runtime/control/control-protocol.ts";
import { childrenOf, KillableService } from "../support/killable-service.ts";
import { type Holding, holdingOf, writtenBytesOf } from "./meter.ts";

/**
 * Collects garbage on SIGUSR2 and gives its pages back, so that memory is compared without what V8 would still have dropped:
 * `gc()` leaves the pages to a later time.
 */
const GARBAGE_HOOK = `
import { Session } from "node:inspector";
const session = new Session();
session.connect();
process.on("SIGUSR2", () => session.post("HeapProfiler.collectGarbage"));`;
const ALONE_MS = 240_000;
const LOOK_MS = 250;
const MEMORY_FOLDER = "/dev/shm";

export interface DeviceOptions {
  /** Holds `state`, `run` and `log`. */
  readonly folder: string;
  readonly settings: readonly string[];
  readonly onEvent: (seen: SeenEvent) => void;
}

/** The built service on the virtual board, whose idle time is skipped; its time goes on over restarts. */
export class SoakDevice implements AsyncDisposable {
  readonly #folder: string;
  readonly #settings: readonly string[];
  readonly #onEvent: (seen: SeenEvent) => void;
  /** Runtime folder in memory, as the unit's; what is written there does not wear the card. */
  readonly #inMemory: string;
  readonly #bootedAtMs = Date.now();
  #service: KillableService;
  #watched: WatchedService;
  /** By the service's own clock. */
  #nowMs: number;
  #writtenBefore = 0;

  private constructor(options: DeviceOptions, inMemory: string, running: Running) {
    this.#folder = options.folder;
    this.#settings = options.settings;
    this.#onEvent = options.onEvent;
    this.#inMemory = inMemory;
    this.#service = running.service;
    this.#watched = running.watched;
    this.#nowMs = this.#bootedAtMs;
  }

  static async start(options: DeviceOptions): Promise<SoakDevice> {
    const { folder, settings, onEvent } = options;
    const inMemory = mkdtempSync(join(MEMORY_FOLDER, "asls-soak-"));
    mkdirSync(folder, { recursive: true });
    symlinkSync(inMemory, join(folder, "run"));
    return new SoakDevice(options, inMemory, await run(folder, settings, onEvent));
  }

  get pid(): number {
    return this.#service.pid;
  }

  call<M extends ControlMethod>(method: M, params: ControlParams<M>): Promise<unknown> {
    return this.#watched.call(method, params);
  }

  /** Time since the first start by the device's clock, ms. */
  get elapsedMs(): number {
    return this.#nowMs - this.#bootedAtMs;
  }

  async skip(ms: number): Promise<void> {
    const { atMs } = (await this.call("skipTime", { ms: Math.max(0, ms) })) as { atMs: number };
    this.#nowMs = atMs;
  }

  /** @returns its exit code; null when it was killed. */
  async restart(how: "stopped" | "killed"): Promise<number | null> {
    await this.skip(0);
    this.#writtenBefore += writtenBytesOf(this.pid);
    this.#watched[Symbol.dispose]();
    let exitCode: number | null = null;
    if (how === "stopped") exitCode = await this.#service.stop();
    else await this.#service.kill("service");
    const aheadS = Math.round((this.#nowMs - Date.now()) / 1_000);
    const running = await run(this.#folder, [...this.#settings, `virtual.aheadS=${aheadS}`], this.#onEvent);
    this.#service = running.service;
    this.#watched = running.watched;
    return exitCode;
  }

  holding(): Holding {
    return holdingOf(this.pid);
  }

  /** Until it has no child: the voice detector's process ends some real time after the last sound. */
  async alone(): Promise<void> {
    const clock = new SystemClock();
    const endMs = clock.monotonicMs() + ALONE_MS;
    while (childrenOf(this.pid).length > 0) {
      if (clock.monotonicMs() > endMs) throw new AppError("E_TIMEOUT", "a child process did not end");
      await delay(clock, LOOK_MS);
    }
  }

  /** After {@link skip}ped time it is collected. */
  collectGarbage(): void {
    process.kill(this.pid, "SIGUSR2");
  }

  /** Written to storage since the first start, log included, bytes. */
  get writtenBytes(): number {
    return this.#writtenBefore + writtenBytesOf(this.pid) + statSync(join(this.#folder, "log")).size;
  }

  async stop(): Promise<number | null> {
    this.#watched[Symbol.dispose]();
    return await this.#service.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watched[Symbol.dispose]();
    await this.#service[Symbol.asyncDispose]();
    rmSync(this.#inMemory, { recursive: true, force: true });
  }
}

interface Running {
  readonly service: KillableService;
  readonly watched: WatchedService;
}

async function run(folder: string, settings: readonly string[], onEvent: (seen: SeenEvent) => void): Promise<Running> {
  const hook = `data:text/javascript,${encodeURIComponent(GARBAGE_HOOK)}`;
  const service = KillableService.spawn(folder, settings, ["--import", hook]);
  try {
    await service.ready();
    return { service, watched: await WatchedService.open(service.socketPath, new SystemClock(), onEvent) };
  } catch (error) {
    await service[Symbol.asyncDispose]();
    throw error;
  }
}
