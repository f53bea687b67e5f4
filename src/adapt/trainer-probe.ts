import { AppError } from "../core/errors.ts";
import type { BackendProbe, Trainer } from "./ports.ts";

/** What `probe` found: every backend, and the one that a job with `auto` takes here. */
export interface TrainerProbe {
  readonly backends: readonly BackendProbe[];
  /** Null when not even the CPU works. */
  readonly chosen: BackendProbe | null;
}

/**
 * Lets the trainer try each backend on a model: does it load, do its gradients agree with the CPU's, how fast is it.
 *
 * @param threads of the CPU backend.
 * @throws AppError as {@link Trainer.run}; E_ABORTED when the signal fires.
 */
export async function probeTrainer(
  trainer: Trainer,
  model: string,
  threads: number,
  signal?: AbortSignal,
): Promise<TrainerProbe> {
  const { ended } = trainer.run({ mode: "probe", model, threads }, signal ? { signal } : {});
  const outcome = await ended;
  if (outcome.kind === "stopped") throw new AppError("E_ABORTED", "the probe of the trainer was stopped");
  return { backends: outcome.probes, chosen: outcome.probes.find(({ chosen }) => chosen) ?? null };
}

/** One line for `asls doctor`, e.g. `cpu: EPYC, gradients agree (1.0000), 5210 tok/s; chosen: fastest that is correct`. */
export function backendText(probe: BackendProbe): string {
  const { backend, present, device, gradientCosine, tokensPerS, chosen, reason } = probe;
  if (!present) return `${backend}: absent; ${reason}`;
  const facts = [
    device ?? "unnamed device",
    ...(gradientCosine == null ? [] : [`gradients agree to ${gradientCosine.toFixed(4)}`]),
    ...(tokensPerS == null ? [] : [`${Math.round(tokensPerS)} tok/s`]),
  ];
  return `${backend}: ${facts.join(", ")}; ${chosen ? "chosen" : "not chosen"}: ${reason}`;
}
