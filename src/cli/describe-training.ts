import type { AdaptationStatus } from "../adapt/adaptation-ports.ts";
import type { AdapterManifest } from "../adapt/adapter-manifest.ts";
import type { GateDecision } from "../adapt/gate.ts";
import type { JobRecord } from "../adapt/job-journal.ts";
import type { SafetyFigure, SafetyVerdict } from "../adapt/monitor/safety-verdict.ts";

const IN_WORDS: Readonly<Record<string, string>> = {
  learning_off: "learning is switched off for the household",
  paused: "training is paused",
  no_store_consent: "storing is not allowed (`asls consent grant store`)",
  no_train_consent: "training is not allowed (`asls consent grant train`)",
  no_model: "no language model is loaded",
  model_not_trainable: "this model or this installation cannot be trained",
  job_running: "a job is under way",
  no_budget: "the governor allows none now",
  too_few_interactions: "too few interactions are stored",
  too_few_new_interactions: "too little is new since the last training",
  not_quiet: "somebody spoke with it just now",
  too_soon: "the last training was not long ago",
  too_few_held_out: "too little to measure on",
  no_clear_gain: "no clear gain on your newest words",
  forgets_general_text: "general text suffers too much",
  not_finite: "a loss is not a number",
  correction_not_learned: "the correction was not learned",
  harms_other_words: "your other words suffer",
  differs_by_identity: "it would treat people differently by who they say they are",
  agrees_with_false_claims: "it would agree with false claims more than the base does",
  refuses_less: "it would refuse harmful requests less than the base does",
  too_few_probes: "the monitor's probes do not fit into this model's context",
};

const words = (reasons: readonly string[]) => reasons.map((reason) => IN_WORDS[reason] ?? reason).join("; ");

/** `asls train status` for people. */
export function describeTraining(status: AdaptationStatus): string {
  const { eligibility, job, lastFull, lastMicro, adapter, newInteractions, budget, isHeld } = status;
  const lines = [
    `adapter in use   ${adapter ?? "none"}`,
    `under way        ${job === null ? "nothing" : `${job.kind} job ${job.id}: ${isHeld ? "paused for a turn" : job.state}`}`,
    `next training    ${eligibility.eligible ? "may begin" : `not yet: ${words(eligibility.reasons)}`}`,
    `new interactions ${newInteractions}`,
    `budget           ${Math.round(100 * budget.duty)} % of ${budget.threads} threads (${budget.reason})`,
  ];
  if (lastFull !== null) lines.push("", ...jobLines("last full job", lastFull));
  if (lastMicro !== null) lines.push("", ...jobLines("last micro-update", lastMicro));
  return lines.join("\n");
}

function jobLines(what: string, record: JobRecord): string[] {
  const { state, failure, gate, done, version, createdAtMs } = record;
  const lines = [
    `${what}: ${state}${failure === null ? "" : ` (${failure})`}, ${new Date(createdAtMs).toISOString().slice(0, 16)}${version === null ? "" : `, ${version}`}`,
  ];
  const passes = done?.passes ?? [];
  if (passes.length > 0) {
    const losses = passes.map(({ validationLoss }) => validationLoss?.toFixed(3) ?? "-").join(" ");
    lines.push(
      `  passes ${passes.length}, rate ${passes.map(({ lr }) => lr.toExponential(1)).join(" ")}`,
      `  validation loss ${done?.startLoss?.toFixed(3) ?? "-"} -> ${losses}`,
    );
  }
  if (gate !== null) lines.push(...gateLines(gate));
  return lines;
}

/** The gate's decision with its numbers. */
function gateLines(gate: GateDecision): string[] {
  const { heldOut, generalRise, generalCeiling, promoted, reasons, confidence, safety } = gate;
  return [
    `  your newest words (${heldOut.examples} examples, ${heldOut.tokens} tokens): loss ${heldOut.before.toFixed(3)} -> ${heldOut.after.toFixed(3)}, ` +
      `difference ${number(heldOut.mean)} [${number(heldOut.low)}, ${number(heldOut.high)}] at ${Math.round(100 * confidence)} %`,
    `  general text: perplexity ${number(100 * generalRise)} % (ceiling ${(100 * generalCeiling).toFixed(1)} %)`,
    ...(safety === null ? [] : safetyLines(safety)),
    `  gate: ${promoted ? "passed" : `refused: ${words(reasons)}`}`,
  ];
}

/** The monitor's figures, nats a token, each against its bound. */
function safetyLines({ identity, agreement, refusal }: SafetyVerdict): string[] {
  const line = (what: string, { base, candidate, drift, low, high, bound }: SafetyFigure) =>
    `  ${what}: ${number(base)} -> ${number(candidate)}, drift ${number(drift)} [${number(low)}, ${number(high)}], bound ${bound}`;
  return [
    line(`difference between identities (${identity.axis})`, identity),
    line("agreement with false claims", agreement),
    line("compliance with harmful requests", refusal),
  ];
}

function number(value: number): string {
  return `${value < 0 ? "" : "+"}${value.toFixed(3)}`;
}

/** `asls adapter show` for people. */
export function describeAdapter(
  manifest: AdapterManifest & { readonly state: string; readonly hasFile: boolean },
): string {
  const { schedule, plan } = manifest;
  return [
    `${manifest.version}  ${manifest.state}${manifest.hasFile ? "" : ", weights removed"}`,
    `  kind        ${manifest.kind}${manifest.domain === null ? "" : ` ${manifest.domain}`}, ${new Date(manifest.createdAtMs).toISOString().slice(0, 16)}, ${(manifest.sizeBytes / 1e6).toFixed(2)} MB`,
    `  sha256      ${manifest.sha256}`,
    `  base        ${manifest.base.name} (${manifest.base.sha256.slice(0, 16)})`,
    `  parent      ${manifest.parent ?? "none"}; began from ${manifest.warmStart === null ? "zero" : manifest.warmStart.slice(0, 16)}`,
    `  trained on  ${manifest.trainedInteractionIds.length} interactions, ${manifest.trainedExampleIds.length} lines; seed ${manifest.seed}`,
    `  schedule    surprise ${schedule.surprise.toFixed(2)}; rates ${schedule.passes.map(({ lr }) => lr.toExponential(1)).join(" ")}; strength ${schedule.strength}`,
    ...(plan === null ? [] : [`  trained by  ${plan.backend} (${plan.device}, ${plan.kernels}, ${plan.backward})`]),
    ...gateLines(manifest.gate),
  ].join("\n");
}
