/** What a job asks the trainer to do. */
export type TrainerMode = "train" | "evaluate" | "score" | "probe";
export type TrainerBackend = "auto" | "cpu" | "cuda" | "vulkan";
export type LoraTarget = "q" | "k" | "v" | "o" | "gate" | "up" | "down";

/** Shape of the adapter. Defaults are the trainer's own: docs/trainer.md#options. */
export interface LoraOptions {
  readonly rank?: number;
  /** Effective scale is alpha / rank, or alpha / sqrt(rank) with `rslora`. */
  readonly alpha?: number;
  /** Share of the adapter's inputs dropped while training, [0, 1). */
  readonly dropout?: number;
  readonly rslora?: boolean;
  readonly targets?: readonly LoraTarget[];
}

/** AdamW and its schedule. */
export interface OptimiserOptions {
  readonly lr?: number;
  /** LoRA+: rate of B over rate of A. */
  readonly lrBRatio?: number;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly eps?: number;
  readonly weightDecay?: number;
  /** Greatest L2 norm of all gradients together; 0 = no clipping. */
  readonly clipNorm?: number;
  readonly warmupSteps?: number;
  /** `external`: the rate is the last one given by {@link TrainerRun.setRate}. */
  readonly schedule?: "constant" | "cosine" | "external";
  readonly steps?: number;
  /** Micro-batches per step. */
  readonly accumulate?: number;
  readonly sequencesPerStep?: number;
  /** Tokens of a sequence beyond which an example is refused. */
  readonly maxTokens?: number;
}

export interface LossOptions {
  /** Weight of KL(base || adapter) on the target tokens. */
  readonly klWeight?: number;
  readonly ktoBeta?: number;
  readonly ktoDesirableWeight?: number;
  readonly ktoUndesirableWeight?: number;
  readonly ktoReference?: "zero" | "mismatched";
  readonly dpoBeta?: number;
}

/** A job for the trainer. Paths are absolute; what is left out takes the trainer's default (docs/trainer.md#options). */
export interface TrainerJob {
  readonly mode: TrainerMode;
  /** Base model, GGUF. */
  readonly model: string;
  /** Token file (see token-file.ts); not used by `probe`. */
  readonly data?: string;
  /** Adapter to write (`train`). Must not exist as somebody else's file: it is replaced atomically. */
  readonly out?: string;
  /** `everySteps` 0: only on request and on stop. */
  readonly checkpoint?: { readonly path: string; readonly everySteps: number };
  /** Checkpoint to go on from; the rest of the job must be the one it was made with. */
  readonly resume?: string;
  /** Adapter to start from (`train`) or to measure (`evaluate`, `score`). */
  readonly initAdapter?: string;
  readonly backend?: TrainerBackend;
  readonly threads?: number;
  /** Upper bound of the trainer's own memory, MiB. */
  readonly memoryBudgetMb?: number;
  readonly seed?: number;
  readonly lora?: LoraOptions;
  readonly optimiser?: OptimiserOptions;
  readonly losses?: LossOptions;
  readonly backward?: "auto" | "resident" | "fused";
  readonly activations?: "auto" | "keep" | "recompute";
  /** Load and plan, then wait for {@link TrainerRun.resume}. */
  readonly paused?: boolean;
  /** `evaluate` and `score`: the loss of every target token in the results too. */
  readonly tokenLosses?: boolean;
  /** `evaluate` and `score` with {@link initAdapter}: measure the base too (default); false takes about half the time. */
  readonly baseLosses?: boolean;
}

/** How much of the machine a job may use from now on. */
export interface TrainerLimits {
  readonly threads: number;
  /** Share of the time that it may compute, [0, 1]; 0 is a pause. */
  readonly duty: number;
}

/** How the trainer decided to run a job, with the figures (MiB) it decided by. */
export interface TrainerPlan {
  readonly mode: TrainerMode;
  readonly backend: Exclude<TrainerBackend, "auto">;
  readonly device: string;
  readonly kernels: string;
  readonly architecture: string;
  readonly backward: "resident" | "fused" | "none";
  readonly keepActivations: boolean;
  /** Layers whose activations stay in memory, and of them those with gate and up too. */
  readonly keptLayers?: number;
  readonly wholeLayers?: number;
  readonly weights: "mmap" | "copied";
  readonly memoryMb: {
    readonly budget: number | null;
    readonly process: number;
    readonly weights: number;
    readonly transposed: number;
    readonly adapter: number;
    readonly activations: number;
    readonly scratch: number;
    readonly total: number;
  };
  readonly trainableParameters: number;
  readonly examples: number;
  readonly tokens: number;
  readonly steps: number;
  /** Steps already done in the checkpoint that was resumed. */
  readonly firstStep: number;
  readonly reason: string;
}

/** State after one optimiser step, or after a group of examples (`evaluate`, `score`: loss and lr are null). */
export interface TrainerProgress {
  readonly step: number;
  readonly steps: number;
  /** Weighted mean objective, nats. */
  readonly loss: number | null;
  /** Cross-entropy on the target tokens, nats. */
  readonly ceLoss?: number | null;
  readonly kl?: number | null;
  readonly ktoKl?: number | null;
  /** Before clipping. */
  readonly gradNorm?: number | null;
  readonly lr: number | null;
  readonly tokens: number;
  readonly tokensPerS: number;
  readonly stepMs: number;
  /** Processor time of all threads during the step. */
  readonly cpuMs: number;
  readonly rssMb: number;
  readonly peakRssMb: number;
}

/** A checkpoint file that is complete on disk. */
export interface TrainerCheckpoint {
  readonly path: string;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly step: number;
}

/** One example of `evaluate` or `score`; losses are means over its target tokens, nats. */
export interface TrainerExampleResult {
  readonly id: string;
  /** Null with {@link TrainerJob.baseLosses} false. */
  readonly baseLoss: number | null;
  /** Null when the job names no adapter. */
  readonly adapterLoss: number | null;
  /** Target tokens counted. */
  readonly tokens: number;
  /** Mean entropy of the prediction, nats. */
  readonly entropy: number;
  readonly kl?: number | null;
  /** With {@link TrainerJob.tokenLosses}: of every target token, with the adapter if there is one, nats. */
  readonly tokenLosses?: readonly number[];
  /** `score`: candidates of one prompt share a group; score = mean log-probability, rank 1 = best of its group. */
  readonly group?: string;
  readonly score?: number;
  readonly rank?: number;
}

/** One backend as `probe` found it. */
export interface BackendProbe {
  readonly backend: Exclude<TrainerBackend, "auto">;
  readonly present: boolean;
  readonly device?: string | null;
  /** Cosine between this backend's gradients and the CPU's; null when it could not run. */
  readonly gradientCosine?: number | null;
  readonly correct?: boolean | null;
  readonly tokensPerS?: number | null;
  readonly chosen: boolean;
  readonly reason: string;
}

/** Totals of a job that ended. */
export interface TrainerMetrics {
  readonly steps: number;
  readonly tokens: number;
  readonly firstLoss: number | null;
  readonly finalLoss: number | null;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly tokensPerS: number;
  readonly peakRssMb: number;
}

/** What happens during a run, in order. `restarted` comes from the supervisor, the rest from the trainer. */
export type TrainerEvent =
  | { readonly kind: "plan"; readonly plan: TrainerPlan }
  | { readonly kind: "progress"; readonly progress: TrainerProgress }
  | { readonly kind: "checkpoint"; readonly checkpoint: TrainerCheckpoint }
  | { readonly kind: "result"; readonly result: TrainerExampleResult }
  | { readonly kind: "probe"; readonly probe: BackendProbe }
  | { readonly kind: "restarted"; readonly attempt: number; readonly code: string; readonly fromStep: number };

/** How a run ended without failing. */
export type TrainerOutcome =
  | {
      readonly kind: "done";
      /** The adapter and its hash; null for jobs that write none. */
      readonly file: { readonly path: string; readonly sha256: string } | null;
      readonly metrics: TrainerMetrics;
      readonly results: readonly TrainerExampleResult[];
      readonly probes: readonly BackendProbe[];
    }
  /** `checkpoint` is what to give as `resume`; null when the job keeps none or no step was done. */
  | { readonly kind: "stopped"; readonly checkpoint: TrainerCheckpoint | null };

/** A job under way. Every order may be given at any time; those given while the child restarts reach the new child. */
export interface TrainerRun {
  /**
   * Ends when the job ended and the child is gone.
   * @throws AppError the trainer's own code when it is final (E_MODEL_TRUNCATED, E_ARCH_UNSUPPORTED, E_DATA_INVALID,
   * E_MEMORY_BUDGET, E_LOSS_NAN, ...); E_TRAINER_MISSING; E_TRAINER_PROTOCOL; E_TRAINER_SILENT or E_TRAINER_CRASHED
   * after the last restart.
   */
  readonly ended: Promise<TrainerOutcome>;
  /** Process id of the child that runs now, or null between two children. */
  readonly pid: number | null;
  setLimits(limits: TrainerLimits): void;
  /** Learning rate of A for the steps to come; only with the `external` schedule. */
  setRate(lr: number): void;
  /** Stops computing between two layers; memory stays. Resolves when the trainer says so, or when
   * the job is over. */
  pause(): Promise<void>;
  /** Takes effect after a pause under way has been reported. */
  resume(): void;
  /** Takes the CPU away within 50 ms wherever the trainer is; `thaw` gives it back. Both may be called twice. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Asks for a checkpoint; null when the job is over, or keeps none. */
  checkpoint(): Promise<TrainerCheckpoint | null>;
  /** Checkpoints if the job has a path for it, and ends; kills what does not obey. */
  stop(): Promise<TrainerOutcome>;
}

export interface TrainerRunOptions {
  /** Aborting is {@link TrainerRun.stop}. */
  readonly signal?: AbortSignal;
  readonly limits?: TrainerLimits;
  /** Called in order; must not throw. */
  onEvent?(event: TrainerEvent): void;
}

/** Trains LoRA adapters for a GGUF file and measures them. Holds nothing between runs. */
export interface Trainer {
  /** One at a time. @throws AppError E_TRAINER_BUSY. */
  run(job: TrainerJob, options?: TrainerRunOptions): TrainerRun;
}

/** Takes the CPU from a process and gives it back, within 50 ms. */
export interface Freezer {
  /** Called once for a process that has just been spawned, before it is given work. Never throws. */
  adopt(pid: number): void;
  /** Resolves when the process no longer runs. A process that is gone already is no error. */
  freeze(pid: number): Promise<void>;
  thaw(pid: number): Promise<void>;
}

/** One message of a dialogue to train on. User text. */
export interface TrainingMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** Whose messages of a dialogue are predicted; `last`: only the last message, whoever speaks it. */
export type LearnedTurns = "assistant" | "user" | "all" | "last";

/** A text example; user text, so it stays in memory and in files of mode 0600. */
export type TrainingText =
  /** Every message of `learn` (default `assistant`) is a target, with the token that ends it. System messages never are. */
  | { readonly kind: "messages"; readonly messages: readonly TrainingMessage[]; readonly learn?: LearnedTurns }
  /** Plain text: everything after the first token is a target. */
  | { readonly kind: "text"; readonly text: string };

/** Tokens of one sequence and the half-open spans of positions that are predicted. */
export interface EncodedText {
  readonly tokens: readonly number[];
  readonly targets: readonly (readonly [from: number, to: number])[];
}

/** Turns texts into exactly the tokens that inference with the same GGUF sees. */
export interface TrainingTextEncoder extends AsyncDisposable {
  /** Ids are in [0, vocabularyTokens). */
  readonly vocabularyTokens: number;
  /** The longest sequence that the base was trained for. */
  readonly trainedContextTokens: number;
  /**
   * One sequence as a rule; several when the template shows an earlier answer otherwise than it was given (Qwen3 drops
   * earlier thoughts), so that every answer is still trained on behind the prompt it had.
   *
   * @throws AppError E_DATA_INVALID when nothing in it is a target; E_MODEL_INVALID when the template fails.
   */
  encode(text: TrainingText): readonly EncodedText[];
}
