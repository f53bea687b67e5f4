import { type Clock, delay } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { fileSha256 } from "../core/file-hash.ts";
import type { Logger } from "../core/logger.ts";
import type {
  BackendProbe,
  Freezer,
  TrainerCheckpoint,
  TrainerEvent,
  TrainerExampleResult,
  TrainerJob,
  TrainerLimits,
  TrainerOutcome,
  TrainerRun,
  TrainerRunOptions,
} from "./ports.ts";
import { type ChildDeadlines, type ChildEnd, TrainerChild, type TrainerCommand } from "./trainer-child.ts";
import { assertMeasurable, type ChildMessageOf, eventOf, mayRestart, reportedFailure } from "./trainer-messages.ts";
import { type ChildMessage, encodeParentMessage } from "./trainer-protocol.ts";
import { Waiters } from "./waiters.ts";

export interface SupervisedRunOptions {
  readonly command: TrainerCommand;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly freezer: Freezer;
  readonly deadlines: ChildDeadlines;
  readonly restartDelaysMs: readonly number[];
}

/**
 * One job through as many children as it takes.
 *
 * INVARIANTS: at most one child lives; `#child` is it from spawn to its end, null between two. Orders are kept as the
 * wanted state (limits, rate, paused, frozen, stopping) and given again to every new child. `ended` settles once, after
 * the last child is gone.
 */
export class SupervisedRun implements TrainerRun {
  readonly ended: Promise<TrainerOutcome>;
  readonly #options: SupervisedRunOptions;
  readonly #job: TrainerJob;
  readonly #runOptions: TrainerRunOptions;
  readonly #pauseWaiters = new Waiters<void>();
  readonly #checkpointWaiters = new Waiters<TrainerCheckpoint | null>();
  readonly #thawWaiters = new Waiters<void>();
  /** Cuts short the wait for a restart. */
  readonly #stopped = new AbortController();
  #child: TrainerChild | null = null;
  #hasStarted = false;
  #limits: TrainerLimits | null;
  #lr: number | null = null;
  #isPaused: boolean;
  /** What the child is doing, or was told and has not confirmed yet. */
  #motion: "running" | "pausing" | "still" | "resuming" = "running";
  #isFrozen = false;
  #lastCheckpoint: TrainerCheckpoint | null = null;
  #results: TrainerExampleResult[] = [];
  #probes: BackendProbe[] = [];
  #done: ChildMessageOf<"done"> | null = null;
  #error: ChildMessageOf<"error"> | null = null;

  constructor(options: SupervisedRunOptions, job: TrainerJob, runOptions: TrainerRunOptions) {
    this.#options = options;
    this.#job = job;
    this.#runOptions = runOptions;
    this.#limits = runOptions.limits ?? null;
    this.#isPaused = job.paused === true;
    this.ended = this.#supervise().finally(() => this.#release());
    const { signal } = runOptions;
    const onAbort = () => void this.stop().catch(() => {}); // the caller sees the failure at `ended`
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true, signal: this.#stopped.signal });
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  setLimits(limits: TrainerLimits): void {
    this.#limits = limits;
    this.#sendLimits();
    this.#reconcileMotion();
  }

  setRate(lr: number): void {
    this.#lr = lr;
    if (this.#hasStarted) this.#child?.send({ type: "rate", lr });
  }

  pause(): Promise<void> {
    this.#isPaused = true;
    this.#reconcileMotion();
    return this.#motion === "still" ? Promise.resolve() : this.#pauseWaiters.wait(undefined);
  }

  resume(): void {
    this.#isPaused = false;
    this.#reconcileMotion();
  }

  async freeze(): Promise<void> {
    this.#isFrozen = true;
    await this.#child?.freeze();
  }

  async thaw(): Promise<void> {
    this.#isFrozen = false;
    this.#thawWaiters.settle(undefined);
    await this.#child?.thaw();
  }

  checkpoint(): Promise<TrainerCheckpoint | null> {
    if (!this.#job.checkpoint) return Promise.resolve(null);
    if (this.#hasStarted) this.#child?.send({ type: "checkpoint" });
    return this.#checkpointWaiters.wait(null);
  }

  async stop(): Promise<TrainerOutcome> {
    if (!this.#stopped.signal.aborted) {
      this.#stopped.abort();
      await this.thaw();
      if (this.#hasStarted) {
        this.#child?.send({ type: "stop" });
        this.#child?.expectEnd();
      } else {
        this.#child?.terminate(null);
      }
    }
    return this.ended;
  }

  async #supervise(): Promise<TrainerOutcome> {
    // A job the table refuses fails before a process is spent on it.
    encodeParentMessage({ type: "start", job: this.#job });
    const { restartDelaysMs, clock, logger } = this.#options;
    for (let restarts = 0; ; restarts += 1) {
      if (this.#isFrozen) await this.#thawWaiters.wait(undefined);
      if (this.#stopped.signal.aborted) return this.#stoppedOutcome();
      const end = await this.#runChild();
      const outcome = await this.#outcome(end);
      if (outcome.kind !== "failed") return outcome;
      const delayMs = restartDelaysMs[restarts];
      if (!mayRestart(outcome.failure, this.#error) || delayMs === undefined) throw outcome.failure;
      if (this.#stopped.signal.aborted) return this.#stoppedOutcome();
      const { code } = outcome.failure;
      logger.warn({ code, attempt: restarts + 1, delay_ms: delayMs }, "the trainer failed and is started again");
      await delay(clock, delayMs, this.#stopped.signal).catch(() => {}); // stopped: seen at the top of the loop
      const fromStep = this.#lastCheckpoint?.step ?? 0;
      this.#emit({ kind: "restarted", attempt: restarts + 1, code, fromStep });
    }
  }

  async #runChild(): Promise<ChildEnd> {
    this.#results = [];
    this.#probes = [];
    this.#done = null;
    this.#error = null;
    this.#child = new TrainerChild({
      command: this.#options.command,
      clock: this.#options.clock,
      logger: this.#options.logger,
      freezer: this.#options.freezer,
      deadlines: this.#options.deadlines,
      onMessage: (message) => this.#receive(message),
    });
    try {
      return await this.#child.ended;
    } finally {
      this.#child = null;
      this.#hasStarted = false;
      this.#motion = "running";
    }
  }

  #receive(message: ChildMessage): void {
    if (message.type === "hello") this.#begin(message);
    if (message.type === "paused" || message.type === "resumed") {
      this.#motion = message.type === "paused" ? "still" : "running";
      if (this.#motion === "still") this.#pauseWaiters.settle(undefined);
      this.#reconcileMotion();
    }
    if (message.type === "done") this.#done = message;
    if (message.type === "error") this.#error = message;
    if (message.type === "done" || message.type === "error") this.#child?.expectEnd();
    const event = eventOf(message);
    if (!event) return;
    if (event.kind === "result") {
      assertMeasurable(event.result);
      this.#results.push(event.result);
    }
    if (event.kind === "probe") this.#probes.push(event.probe);
    if (event.kind === "checkpoint") {
      this.#lastCheckpoint = event.checkpoint;
      this.#checkpointWaiters.settle(event.checkpoint);
    }
    this.#emit(event);
  }

  /** A listener's defect must not look like the trainer's. */
  #emit(event: TrainerEvent): void {
    try {
      this.#runOptions.onEvent?.(event);
    } catch (error) {
      this.#options.logger.error({ error, kind: event.kind }, "a listener of the trainer failed");
    }
  }

  #begin(hello: ChildMessageOf<"hello">): void {
    if (this.#hasStarted) throw new AppError("E_TRAINER_PROTOCOL", "the trainer said hello twice");
    const { version, ggmlTag, backends } = hello;
    this.#options.logger.debug({ version, ggml_tag: ggmlTag, backends }, "the trainer is up");
    const resume = this.#lastCheckpoint?.path ?? this.#job.resume;
    // The pause goes as an order of its own, so that a `resume` given meanwhile can only come after it.
    const job = { ...this.#job, paused: false, ...(resume === undefined ? {} : { resume }) };
    this.#child?.send({ type: "start", job });
    this.#hasStarted = true;
    this.#reconcileMotion();
    this.#sendLimits();
    if (this.#lr !== null) this.#child?.send({ type: "rate", lr: this.#lr });
    if (this.#checkpointWaiters.size > 0) this.#child?.send({ type: "checkpoint" });
  }

  /** A duty of 0 is a pause: the child would report it as one, unasked. */
  #sendLimits(): void {
    if (!this.#limits || !this.#hasStarted) return;
    const { threads, duty } = this.#limits;
    this.#child?.send({ type: "limits", threads, ...(duty === 0 ? {} : { duty }) });
  }

  /**
   * Sends `pause` or `resume` when the child does otherwise than wanted. INVARIANT: never the one before the other was
   * confirmed, since a child that gets both before it wakes does and reports neither.
   */
  #reconcileMotion(): void {
    if (!this.#hasStarted) return;
    const wantsStill = this.#isPaused || this.#limits?.duty === 0;
    if (wantsStill && this.#motion === "running") {
      this.#motion = "pausing";
      this.#child?.send({ type: "pause" });
    } else if (!wantsStill && this.#motion === "still") {
      this.#motion = "resuming";
      this.#child?.send({ type: "resume" });
    }
  }

  async #outcome(end: ChildEnd): Promise<TrainerOutcome | { readonly kind: "failed"; readonly failure: AppError }> {
    const done = this.#done;
    if (done?.stopped) return this.#stoppedOutcome();
    if (done) {
      const { path, sha256, metrics } = done;
      if (path === null || sha256 === null) {
        return { kind: "done", file: null, metrics, results: this.#results, probes: this.#probes };
      }
      if ((await fileSha256(path)) !== sha256) {
        return {
          kind: "failed",
          failure: new AppError("E_TRAINER_WRITE", "the adapter on disk is not the one trained"),
        };
      }
      return { kind: "done", file: { path, sha256 }, metrics, results: this.#results, probes: this.#probes };
    }
    if (this.#error) return { kind: "failed", failure: reportedFailure(this.#error) };
    if (end.failure) return { kind: "failed", failure: end.failure };
    if (this.#stopped.signal.aborted) return this.#stoppedOutcome();
    const how = end.signal === null ? `exit code ${end.exitCode}` : `signal ${end.signal}`;
    const details = { exit_code: end.exitCode, signal: end.signal };
    return { kind: "failed", failure: new AppError("E_TRAINER_CRASHED", `the trainer ended with ${how}`, { details }) };
  }

  #stoppedOutcome(): TrainerOutcome {
    return { kind: "stopped", checkpoint: this.#lastCheckpoint };
  }

  /** The job is over: nobody waits any longer. */
  #release(): void {
    this.#stopped.abort();
    for (const waiters of [this.#pauseWaiters, this.#checkpointWaiters, this.#thawWaiters]) waiters.close();
  }
}
