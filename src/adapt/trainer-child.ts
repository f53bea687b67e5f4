import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { constants, setPriority } from "node:os";
import type { Clock } from "../core/clock.ts";
import { AppError, isEnoent, toAppError } from "../core/errors.ts";
import { LineReader } from "../core/line-reader.ts";
import type { Logger } from "../core/logger.ts";
import { ownPages } from "../core/own-pages.ts";
import { environmentOfOthers } from "../core/service-launch.ts";
import type { Freezer } from "./ports.ts";
import { type ChildMessage, decodeChildLine, encodeParentMessage, type ParentMessage } from "./trainer-protocol.ts";

/** Program and arguments of the trainer; a node script in tests. */
export interface TrainerCommand {
  readonly file: string;
  readonly args?: readonly string[];
}

/** How long what may take, ms. @see facts: hello 10 s, heartbeat 15 s */
export interface ChildDeadlines {
  /** From spawn to `hello`. */
  readonly helloMs: number;
  /** Between two messages of any kind. */
  readonly heartbeatMs: number;
  /** From `stop`, or from `done`, to the end of the process. */
  readonly stopMs: number;
  /** From SIGTERM to SIGKILL. */
  readonly killMs: number;
}

export const CHILD_DEADLINES: ChildDeadlines = { helloMs: 10_000, heartbeatMs: 15_000, stopMs: 10_000, killMs: 2_000 };

/** The kernel's OOM killer takes the trainer long before the assistant. @see proc_pid_oom_score_adj(5) */
const OOM_SCORE_ADJ = 800;

/**
 * glibc (2.35 or later) asks the kernel for huge pages where a block is large enough: an adapter of 10 MB is 5 page faults
 * instead of 2,500. The environment's own value goes first.
 */
const HUGE_PAGES = { GLIBC_TUNABLES: "glibc.malloc.hugetlb=1" };

/** Longest line of a child; a probe's or a result's line has some hundred bytes. */
const MAX_LINE_BYTES = 1_000_000;
const lineTooLong = (maxBytes: number) =>
  new AppError("E_TRAINER_PROTOCOL", `the trainer sent a line of more than ${maxBytes} bytes`);

/** What is left of a child. */
export interface ChildEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why we ended it, or why it never ran; null when it ended by itself. */
  readonly failure: AppError | null;
}

export interface TrainerChildOptions {
  readonly command: TrainerCommand;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly freezer: Freezer;
  readonly deadlines: ChildDeadlines;
  onMessage(message: ChildMessage): void;
}

/**
 * One trainer process from spawn to its last byte: decodes its messages, watches its deadlines, and makes sure it is
 * gone when `ended` resolves.
 */
export class TrainerChild {
  readonly ended: Promise<ChildEnd>;
  readonly #options: TrainerChildOptions;
  readonly #process: ChildProcessWithoutNullStreams;
  #cancelDeadline = () => {};
  #cancelKill = () => {};
  #failure: AppError | null = null;
  /** Wanted, and done. */
  #isFrozen = false;
  #standsFrozen = false;
  #freezing: Promise<void> = Promise.resolve();
  #hasEnded = false;
  #isEnding = false;

  /** Spawns at once: huge pages, nice 19, first choice of the OOM killer, no gdb backtraces. */
  constructor(options: TrainerChildOptions) {
    this.#options = options;
    const { file, args = [] } = options.command;
    this.#process = spawn(file, args, {
      stdio: ["pipe", "pipe", "pipe"],
      // A session of its own: Ctrl-C in a terminal reaches us, and we tell it to keep a checkpoint. When we die, the
      // end of its stdin tells it to stop.
      detached: true,
      env: { ...HUGE_PAGES, ...environmentOfOthers(), GGML_NO_BACKTRACE: "1" },
    });
    this.#lowerPriority();
    if (this.#process.pid !== undefined) options.freezer.adopt(this.#process.pid);
    void ownPages();
    this.#process.stdin.on("error", () => {}); // EPIPE of a child that died: its end is reported by `ended`
    const messages = new LineReader(MAX_LINE_BYTES, (line) => this.#readMessage(line.trimEnd()), lineTooLong);
    this.#process.stdout.on("data", (chunk: Buffer) => this.#read(messages, chunk));
    const logged = new LineReader(MAX_LINE_BYTES, (line) => this.#log(line.trimEnd()), lineTooLong);
    this.#process.stderr.on("data", (chunk: Buffer) => this.#readLog(logged, chunk));
    this.ended = new Promise((resolve) => {
      this.#process.once("error", (error) => {
        if (this.#process.pid !== undefined) return; // a signal that could not be sent
        this.#end();
        resolve({ exitCode: null, signal: null, failure: spawnError(error, file) });
      });
      this.#process.once("close", (exitCode, signal) => {
        this.#end();
        resolve({ exitCode, signal, failure: this.#failure });
      });
    });
    this.#arm(options.deadlines.helloMs, "hello");
  }

  /** Null when it could not be spawned. */
  get pid(): number | null {
    return this.#process.pid ?? null;
  }

  /** @throws AppError E_TRAINER_USAGE when the table does not allow the message. A dead child swallows it. */
  send(message: ParentMessage): void {
    const line = encodeParentMessage(message);
    if (this.#process.stdin.writable) this.#process.stdin.write(line);
  }

  freeze(): Promise<void> {
    this.#isFrozen = true;
    this.#cancelDeadline(); // a frozen process owes no heartbeat
    return this.#applyFreezing();
  }

  thaw(): Promise<void> {
    const wasFrozen = this.#isFrozen;
    this.#isFrozen = false;
    if (wasFrozen && !this.#isEnding && !this.#hasEnded) this.#arm(this.#options.deadlines.heartbeatMs, "heartbeat");
    return this.#applyFreezing();
  }

  /**
   * Makes the process what `#isFrozen` says. One order at a time, since each waits for the kernel to have obeyed; an
   * order that was taken back meanwhile is left out.
   */
  #applyFreezing(): Promise<void> {
    this.#freezing = this.#freezing
      .catch(() => {}) // whoever gave that order has its failure
      .then(async () => {
        const { pid } = this;
        const wantsFrozen = this.#isFrozen;
        if (pid === null || this.#hasEnded || wantsFrozen === this.#standsFrozen) return;
        this.#standsFrozen = wantsFrozen;
        await (wantsFrozen ? this.#options.freezer.freeze(pid) : this.#options.freezer.thaw(pid));
      });
    return this.#freezing;
  }

  /** Expects the process to end by itself within `stopMs`; ends it otherwise. */
  expectEnd(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#cancelDeadline();
    this.#cancelDeadline = this.#options.clock.after(this.#options.deadlines.stopMs, () => this.terminate(null));
  }

  /** SIGTERM, and SIGKILL after `killMs`. The first failure given is the one reported. */
  terminate(failure: AppError | null): void {
    this.#failure ??= failure;
    this.#isEnding = true;
    this.#disarm();
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill("SIGTERM");
    // A stopped process gets its SIGTERM only when it goes on.
    if (this.#isFrozen) void this.thaw().catch(() => {}); // SIGKILL follows anyway
    this.#cancelKill = this.#options.clock.after(this.#options.deadlines.killMs, () => {
      this.#process.kill("SIGKILL");
    });
  }

  #read(lines: LineReader, chunk: Buffer): void {
    try {
      lines.accept(chunk);
    } catch (error) {
      this.#process.stdout.removeAllListeners("data").resume();
      this.terminate(toAppError(error, "E_TRAINER_PROTOCOL", "the trainer's output could not be used"));
    }
  }

  #readMessage(line: string): void {
    if (line === "") return;
    const message = decodeChildLine(line);
    if (!this.#isEnding && !this.#isFrozen) this.#arm(this.#options.deadlines.heartbeatMs, "heartbeat");
    this.#options.onMessage(message);
  }

  #readLog(lines: LineReader, chunk: Buffer): void {
    try {
      lines.accept(chunk);
    } catch {
      // a log line without end is dropped; the protocol is on stdout
    }
  }

  #log(line: string): void {
    if (line !== "") this.#options.logger.debug({ line: line.slice(0, 500) }, "trainer log");
  }

  #arm(timeoutMs: number, what: string): void {
    this.#cancelDeadline();
    this.#cancelDeadline = this.#options.clock.after(timeoutMs, () =>
      this.terminate(new AppError("E_TRAINER_SILENT", `no ${what} from the trainer for ${timeoutMs} ms`)),
    );
  }

  /** The process id may belong to another process from now on. */
  #end(): void {
    this.#hasEnded = true;
    this.#disarm();
  }

  #disarm(): void {
    this.#cancelDeadline();
    this.#cancelKill();
  }

  #lowerPriority(): void {
    const { pid } = this.#process;
    if (pid === undefined) return;
    try {
      // Threads started later inherit it, and the I/O priority follows the nice value (ioprio_set(2)).
      setPriority(pid, constants.priority.PRIORITY_LOW);
    } catch (error) {
      this.#options.logger.debug({ error }, "the trainer's priority could not be lowered");
    }
    void writeFile(`/proc/${pid}/oom_score_adj`, String(OOM_SCORE_ADJ)).catch((error: unknown) =>
      this.#options.logger.debug({ error }, "the trainer's OOM score could not be raised"),
    );
  }
}

function spawnError(error: Error, file: string): AppError {
  const what = isEnoent(error) ? "is not there" : "cannot be started";
  return new AppError("E_TRAINER_MISSING", `the trainer ${file} ${what}`, { cause: error });
}
