import { AppError, ERROR_CODES, type ErrorCode, isAppError } from "../core/errors.ts";
import type { TrainerEvent, TrainerExampleResult } from "./ports.ts";
import type { ChildMessage } from "./trainer-protocol.ts";

/** One message of the trainer by its name. */
export type ChildMessageOf<T extends ChildMessage["type"]> = Extract<ChildMessage, { readonly type: T }>;

/** The event that listeners get for a message; undefined for those between supervisor and trainer only. */
export function eventOf(message: ChildMessage): TrainerEvent | undefined {
  switch (message.type) {
    case "plan": {
      const { type: kind, ...plan } = message;
      return { kind, plan };
    }
    case "progress": {
      const { type: kind, ...progress } = message;
      return { kind, progress };
    }
    case "checkpoint": {
      const { type: kind, ...checkpoint } = message;
      return { kind, checkpoint };
    }
    case "result": {
      const { type: kind, ...result } = message;
      return { kind, result };
    }
    case "probe": {
      const { type: kind, ...probe } = message;
      return { kind, probe };
    }
    default:
      return undefined;
  }
}

/** The error that the trainer ended with; a code that we do not know is a defect of it. */
export function reportedFailure({ code, message }: ChildMessageOf<"error">): AppError {
  return new AppError(isErrorCode(code) ? code : "E_TRAINER_INTERNAL", message);
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code);
}

/** The trainer knows its own errors; of ours, only what another process may not meet again. */
export function mayRestart(failure: AppError, reported: ChildMessageOf<"error"> | null): boolean {
  // The budget is part of the job: the same plan would not fit a second later either.
  if (reported) return reported.retryable && failure.code !== "E_MEMORY_BUDGET";
  return isAppError(failure, "E_TRAINER_CRASHED") || isAppError(failure, "E_TRAINER_SILENT");
}

/** Rounding of a sum over the vocabulary; a divergence proper is never negative (Gibbs' inequality). */
const LEAST_KL = -1e-3;

/**
 * Refuses a measurement that cannot be: predictions that are not numbers would otherwise pass for certain ones, and a
 * broken adapter for a perfect one.
 * @throws AppError E_LOSS_NAN.
 */
export function assertMeasurable({ id, kl, baseLoss, adapterLoss }: TrainerExampleResult): void {
  const isMeasured = baseLoss !== null || adapterLoss !== null;
  if (isMeasured && (kl ?? 0) >= LEAST_KL && (baseLoss ?? 0) >= 0 && (adapterLoss ?? 0) >= 0) return;
  throw new AppError("E_LOSS_NAN", `the predictions for example ${id} are not numbers`, {
    hint: "The adapter or the model is broken: use another version.",
  });
}

/** Loss with the adapter off. @throws AppError E_TRAINER_PROTOCOL when the trainer has left it out. */
export function baseLossOf({ id, baseLoss }: TrainerExampleResult): number {
  if (baseLoss !== null) return baseLoss;
  throw new AppError("E_TRAINER_PROTOCOL", `the trainer did not measure the base on example ${id}`);
}

/** Loss with the adapter if there is one, else of the base. @throws AppError as {@link baseLossOf}. */
export function lossOf(result: TrainerExampleResult): number {
  return result.adapterLoss ?? baseLossOf(result);
}
