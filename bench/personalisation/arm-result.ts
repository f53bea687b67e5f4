/** What one arm came to for one writer. */
export interface ArmResult {
  /** Per test dialogue: nats over the writer's words, and how many words. */
  readonly dialogues: readonly (readonly [nats: number, words: number])[];
  /** Of training and of what it measures to steer itself. */
  readonly cpuSeconds: number;
  readonly trainedTokens: number;
  /** Whether validation spoke for the prompt. */
  readonly prompted: boolean;
}

/** A training that several arms may share. */
export interface TrainedArm {
  readonly cpuSeconds: number;
  /** Of the writer's own words and what stood in front of them, in one pass. */
  readonly tokens: number;
}
