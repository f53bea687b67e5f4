import type { LearningRateSettings } from "./training-settings.ts";

/** Share of the newest loss in the running one. */
const RUNNING_SHARE = 0.1;

/** Mean loss of one example under the model that training starts from, nats a token. */
export interface MeasuredLoss {
  readonly loss: number;
  /** True for what the user said about an answer: corrections and explicit feedback. */
  readonly isFeedback: boolean;
}

/**
 * Surprise of fresh feedback: mean of (loss / running loss) over feedback examples, the running loss being an
 * exponential mean over all examples before it, oldest first. 1 without feedback.
 */
export function surpriseOf(losses: readonly MeasuredLoss[]): number {
  let running: number | null = null;
  let sum = 0;
  let count = 0;
  for (const { loss, isFeedback } of losses) {
    if (isFeedback && running !== null && running > 0) {
      sum += loss / running;
      count += 1;
    }
    running = running === null ? loss : running + RUNNING_SHARE * (loss - running);
  }
  return count === 0 ? 1 : sum / count;
}

/** State of the schedule after some passes. */
export interface RateState {
  readonly lr: number;
  /** Best validation loss so far, and after which pass (0 = before the first). */
  readonly bestLoss: number;
  readonly bestPass: number;
  /** Passes in a row that brought too little. */
  readonly stalled: number;
  readonly isFinished: boolean;
}

/** The first rate: base * surprise ** gain within the bounds. `constant` takes the base as it is. */
export function startRate(surprise: number, validationLoss: number, settings: LearningRateSettings): RateState {
  const wanted = settings.kind === "constant" ? settings.baseLr : settings.baseLr * surprise ** settings.surpriseGain;
  return {
    lr: bounded(wanted, settings),
    bestLoss: validationLoss,
    bestPass: 0,
    stalled: 0,
    isFinished: false,
  };
}

/**
 * After pass number `pass` (from 1): lowers the rate when the validation loss stopped falling, ends after `patience`
 * such passes. `constant` keeps the rate but ends in the same way.
 */
export function nextRate(
  state: RateState,
  pass: number,
  validationLoss: number,
  settings: LearningRateSettings,
): RateState {
  const progress = (state.bestLoss - validationLoss) / Math.max(1e-9, Math.abs(state.bestLoss));
  const hasProgress = progress >= settings.minProgress;
  const stalled = hasProgress ? 0 : state.stalled + 1;
  const isBest = validationLoss < state.bestLoss;
  return {
    lr: hasProgress || settings.kind === "constant" ? state.lr : bounded(state.lr * settings.decay, settings),
    bestLoss: isBest ? validationLoss : state.bestLoss,
    bestPass: isBest ? pass : state.bestPass,
    stalled,
    isFinished: stalled >= settings.patience,
  };
}

function bounded(lr: number, { minLr, maxLr }: LearningRateSettings): number {
  return Math.min(maxLr, Math.max(minLr, Number.isFinite(lr) ? lr : minLr));
}
