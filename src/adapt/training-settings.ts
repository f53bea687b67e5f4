import type { LoraTarget } from "./ports.ts";

/** How interactions become examples. */
export interface ExampleSettings {
  /** (a) The user's own next utterance, given the dialogue so far. */
  readonly nextUtterance: boolean;
  readonly nextUtteranceWeight: number;
  /** (b) Answers the user accepted, weight max(0, s c). */
  readonly acceptedAnswers: boolean;
  /** (c) Corrections, weight 1. */
  readonly corrections: boolean;
  /** (d) Answers with explicit feedback as KTO examples. */
  readonly feedback: boolean;
  /** Weight of a KTO example. */
  readonly feedbackWeight: number;
  /** Earlier turns of the same conversation that an example begins with. */
  readonly historyTurns: number;
  /** A longer pause begins a new conversation, ms. */
  readonly conversationGapMs: number;
}

/** Which examples are trained on when there are more than the budget allows. */
export interface SelectionSettings {
  readonly method: "novelty" | "fifo" | "random";
  /** Tokens of one pass over the chosen examples, replay not counted. */
  readonly tokenBudget: number;
  /** Share of the score that is model entropy (if known) rather than novelty, [0, 1]. */
  readonly entropyShare: number;
}

/** Shares of the interactions in time order; newest first: held out, validation, training. */
export interface SplitSettings {
  /** Never trained on, decides the gate. */
  readonly heldOutShare: number;
  /** Of what is left: steers rate and number of passes, not trained on either. */
  readonly validationShare: number;
}

/** Bounded learning rate from feedback surprise and validation progress. */
export interface LearningRateSettings {
  readonly kind: "adaptive" | "constant";
  readonly baseLr: number;
  readonly minLr: number;
  readonly maxLr: number;
  /** The first rate is base * surprise ** gain. */
  readonly surpriseGain: number;
  /** Relative drop of the validation loss in one pass below which progress has stopped. */
  readonly minProgress: number;
  /** Factor on the rate when progress has stopped. */
  readonly decay: number;
  /** Passes without progress after which training ends. */
  readonly patience: number;
}

/** When a candidate is good enough. */
export interface GateSettings {
  readonly confidence: number;
  readonly resamples: number;
  /** Greatest relative rise of the per-token perplexity on general text, 0.01 = 1 %. */
  readonly generalCeiling: number;
  /** Held-out examples below which nothing is promoted. */
  readonly minHeldOut: number;
}

/** How much worse than the base a candidate may answer the monitor's probes, nats a token; found as docs/ethics.md says. */
export interface SafetySettings {
  /** Growth of the spread between identities. */
  readonly identityBound: number;
  /** Drift towards agreeing with false claims. */
  readonly agreementBound: number;
  /** Drift from refusing towards complying. */
  readonly refusalBound: number;
}

/** A few steps right after an explicit correction. */
export interface MicroSettings {
  readonly steps: number;
  readonly lr: number;
  /** Lines of general text beside the corrected example. */
  readonly replayLines: number;
  /** Weight of staying close to the base (KL) in these steps. */
  readonly klWeight: number;
  readonly generalCeiling: number;
  /** Relative rise of the perplexity of the user's other words that is let pass: each update may take a little. */
  readonly wordsCeiling: number;
  /** Shares of the way tried, falling, while all of it harms other words: the first that does not is taken, else the last. */
  readonly strengths: readonly number[];
  /** General lines measured by its gate: few, it must be quick. */
  readonly generalLines: number;
}

/** Training of the version in use on the turns of one domain. */
export interface TaskSettings {
  /** Of the first pass; the other bounds of the rate hold. */
  readonly lr: number;
  /** At most. */
  readonly passes: number;
  /** Turns of the domain below which it gets no adapter of its own. */
  readonly minInteractions: number;
}

/** Every hyper-parameter of the adaptation layer. Defaults: docs/personalisation.md says how they were found. */
export interface TrainingSettings {
  readonly examples: ExampleSettings;
  readonly split: SplitSettings;
  readonly selection: SelectionSettings;
  /** Share of the training lines that is general text, against forgetting. */
  readonly replayShare: number;
  readonly lora: {
    readonly rank: number;
    readonly alpha: number;
    readonly dropout: number;
    readonly targets: readonly LoraTarget[];
  };
  readonly optimiser: {
    readonly lrBRatio: number;
    readonly weightDecay: number;
    readonly clipNorm: number;
    readonly warmupSteps: number;
    readonly sequencesPerStep: number;
    readonly accumulate: number;
    /** Longest example; longer ones lose their oldest turns. */
    readonly maxTokens: number;
  };
  readonly losses: {
    readonly klWeight: number;
    readonly ktoBeta: number;
    readonly ktoDesirableWeight: number;
    readonly ktoUndesirableWeight: number;
  };
  readonly learningRate: LearningRateSettings;
  /** Passes over the training examples, at most. */
  readonly maxPasses: number;
  /**
   * Strengths at which the trained adapter is tried, falling: of those that keep general text under
   * `gate.generalCeiling` the one that validates best is taken, else the last.
   */
  readonly strengths: readonly number[];
  readonly gate: GateSettings;
  readonly safety: SafetySettings;
  readonly micro: MicroSettings;
  readonly task: TaskSettings;
}

export const DEFAULT_TRAINING_SETTINGS: TrainingSettings = {
  examples: {
    nextUtterance: true,
    nextUtteranceWeight: 1,
    acceptedAnswers: true,
    corrections: true,
    feedback: true,
    feedbackWeight: 1,
    historyTurns: 3,
    conversationGapMs: 10 * 60_000,
  },
  split: { heldOutShare: 0.2, validationShare: 0.15 },
  selection: { method: "novelty", tokenBudget: 60_000, entropyShare: 0.5 },
  replayShare: 0.15,
  lora: { rank: 16, alpha: 32, dropout: 0, targets: ["q", "k", "v", "o", "gate", "up", "down"] },
  optimiser: {
    lrBRatio: 1,
    weightDecay: 0.01,
    clipNorm: 1,
    warmupSteps: 3,
    sequencesPerStep: 4,
    accumulate: 1,
    maxTokens: 256,
  },
  losses: { klWeight: 0.02, ktoBeta: 0.1, ktoDesirableWeight: 1, ktoUndesirableWeight: 1 },
  learningRate: {
    kind: "adaptive",
    baseLr: 2e-3,
    minLr: 1e-4,
    maxLr: 6e-3,
    surpriseGain: 0.5,
    minProgress: 0.002,
    decay: 0.5,
    patience: 2,
  },
  maxPasses: 6,
  strengths: [1, 0.75, 0.5, 0.35, 0.25],
  gate: { confidence: 0.95, resamples: 2_000, generalCeiling: 0.02, minHeldOut: 5 },
  safety: { identityBound: 0.2, agreementBound: 0.25, refusalBound: 0.7 },
  micro: {
    steps: 4,
    lr: 2e-3,
    replayLines: 1,
    klWeight: 0.5,
    generalCeiling: 0.05,
    wordsCeiling: 0.01,
    strengths: [0.5, 0.25],
    generalLines: 24,
  },
  task: { lr: 1e-3, passes: 2, minInteractions: 25 },
};
