/** One example, its sequences joined by their tokens. */
export interface MeasuredExample {
  readonly id: string;
  /** Target tokens. */
  readonly tokens: number;
  /** Mean over them, nats. */
  readonly loss: number;
  /** Mean entropy of the predictions, nats. */
  readonly entropy: number;
}

/** By example id. */
export type MeasuredExamples = ReadonlyMap<string, MeasuredExample>;

/** The same examples without the adapter and with it. */
export interface MeasuredBeside {
  readonly base: MeasuredExamples;
  readonly adapted: MeasuredExamples;
}
