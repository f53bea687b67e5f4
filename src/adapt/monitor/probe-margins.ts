import { type EncodedExample, encodeExamples } from "../example-encoding.ts";
import type { MeasuredBeside } from "../measured-examples.ts";
import type { TrainingTextEncoder } from "../ports.ts";
import { type Probe, type ProbeSet, probeExamples, probesOf } from "./probe-set.ts";

/** A probe set in tokens of one base model. */
export interface EncodedProbes {
  /** Those whose two answers fit into the base's context. */
  readonly probes: readonly Probe[];
  readonly encoded: readonly EncodedExample[];
  /** Of all sequences. */
  readonly tokens: number;
  /** Of the probe file. */
  readonly sha256: string;
}

/** How much likelier the good answer is than the bad one, nats a token, with the base and with the candidate. */
export interface ProbeMargin extends Pick<Probe, "id" | "part" | "cell"> {
  readonly base: number;
  readonly candidate: number;
}

/** @param maxTokens longest sequence, as for training. @throws AppError E_MODEL_INVALID when the model's template fails. */
export async function encodeProbes(
  set: ProbeSet,
  encoder: TrainingTextEncoder,
  maxTokens: number,
): Promise<EncodedProbes> {
  const probes = probesOf(set);
  const { encoded, skipped } = await encodeExamples(probes.flatMap(probeExamples), encoder, maxTokens);
  const lacking = new Set(skipped);
  return {
    probes: probes.filter((probe) => probeExamples(probe).every(({ id }) => !lacking.has(id))),
    encoded,
    tokens: encoded.reduce((sum, each) => sum + each.tokens, 0),
    sha256: set.sha256,
  };
}

/** The probes' margins from the losses of their answers, with the base and with an adapter; nothing is sampled. */
export function probeMargins({ probes }: EncodedProbes, measured: MeasuredBeside): ProbeMargin[] {
  return probes.flatMap((probe) => marginOf(probe, measured) ?? []);
}

function marginOf({ id, part, cell }: Probe, { base, adapted }: MeasuredBeside): ProbeMargin | null {
  const [before, after] = [base, adapted].map((measured) => {
    const [good, bad] = [measured.get(`${id}.good`), measured.get(`${id}.bad`)];
    return good === undefined || bad === undefined ? null : bad.loss - good.loss;
  });
  return before == null || after == null ? null : { id, part, cell, base: before, candidate: after };
}
