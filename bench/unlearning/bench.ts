import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { DEFAULT_TRAINING_SETTINGS } from "../../src/adapt/training-settings.ts";
import { packageRoot } from "../../src/core/built-file.ts";
import { AppError } from "../../src/core/errors.ts";
import { fileSha256 } from "../../src/core/file-hash.ts";
import { markdownTable, writeResults } from "../personalisation/page.ts";
import { BenchState } from "../personalisation/state.ts";
import type { BenchContext, Benchmark, BenchResult, Figure } from "../report.ts";
import { type AttackResult, membershipAuc } from "./attack.ts";
import { runTrial, type TrialResult, type TrialSize } from "./trial.ts";
import { writersOr } from "./writers.ts";

const USERS = "../shared/data/personal/self-dialogue-dev-users.jsonl.gz";
/** Raised when what is measured changes. */
const METHOD = 1;
const RESAMPLES = 2_000;
const FULL: TrialSize = { dialogues: 6, deleted: 2, turns: 16, settings: DEFAULT_TRAINING_SETTINGS };
const QUICK: TrialSize = {
  dialogues: 6,
  deleted: 2,
  turns: 12,
  settings: { ...DEFAULT_TRAINING_SETTINGS, maxPasses: 3 },
};

/** `bench unlearning`: can one tell from the adapter that a deleted row was once there. */
export const bench: Benchmark = {
  summary:
    "membership inference on deleted rows before and after the rebuild, and its bytes against never having had them",
  packages: ["node-llama-cpp"],
  options: {
    users: { type: "string", default: USERS, doc: "dialogues of real writers; without the file: invented ones" },
    writers: { type: "string", default: "6", doc: "how many writers" },
    seeds: { type: "string", default: "2", doc: "deletions per writer, each with dialogues drawn by its seed" },
    write: { type: "boolean", doc: "put the table into docs/privacy.md" },
    "report-only": { type: "boolean", doc: "measure nothing; report what earlier runs have kept" },
    fresh: { type: "boolean", doc: "do not go on from what earlier runs have kept" },
  },
  run,
};

async function run({ quick, options, log, signal }: BenchContext): Promise<BenchResult> {
  const users = resolve(`${options.users}`);
  const size = quick ? QUICK : FULL;
  const { writers: all, areReal } = await writersOr(users, 20);
  const writers = all
    .filter(({ dialogues }) => dialogues.length >= size.dialogues)
    .slice(0, quick ? 1 : whole(options.writers));
  const seeds = Array.from({ length: quick ? 1 : whole(options.seeds) }, (_, i) => i + 1);
  const model = await fileSha256(join(packageRoot, "models", "seed-q8_0.gguf"));
  // The monitor's bounds decide nothing that is measured here.
  const { safety: _, ...training } = size.settings;
  const facts = [
    METHOD,
    { ...size, settings: training },
    areReal,
    model,
    existsSync(users) ? await fileSha256(users) : null,
  ];
  const digest = createHash("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 12);
  const name = options.fresh === true || quick ? `${digest}-${Date.now()}` : digest;
  const state = await BenchState.open(join(packageRoot, "build", "bench", "unlearning", `${name}.jsonl`));
  log(`results are kept in ${state.path}`);
  const trials: TrialResult[] = [];
  const rows = [];
  for (const seed of seeds) {
    for (const writer of writers) {
      signal.throwIfAborted();
      const key = `${seed}/${writer.writer}`;
      if (options["report-only"] === true && state.kept(key) === undefined) continue;
      const trial = await state.once(key, () => runTrial(writer, size, seed, signal));
      trials.push(trial);
      const [before, after] = [trial.before, trial.after].map((scores) => membershipAuc([scores], 1, 1).auc);
      rows.push({
        writer: writer.writer,
        seed,
        deleted_rows: trial.rows,
        auc_before: before ?? 0,
        auc_after: after ?? 0,
        identical: trial.isIdentical,
      });
      log(
        `writer ${writer.writer} seed ${seed}: AUC ${before?.toFixed(3)} -> ${after?.toFixed(3)}, ${trial.isIdentical ? "the same bytes" : "OTHER BYTES"}`,
      );
    }
  }
  if (trials.length === 0) throw new AppError("E_USAGE", "no earlier run has kept anything to report");
  const before = membershipAuc(
    trials.map((trial) => trial.before),
    RESAMPLES,
    1,
  );
  const after = membershipAuc(
    trials.map((trial) => trial.after),
    RESAMPLES,
    1,
  );
  const figures = figuresOf(trials, before, after);
  if (options.write === true)
    await writeResults(resolve(packageRoot, "docs/privacy.md"), pageOf(figures, before, after, areReal), "unlearning");
  return {
    figures,
    rows,
    details: { interval: [after.low, after.high], interval_before: [before.low, before.high] },
    conditions: {
      writers: writers.length,
      real_writers: areReal,
      seeds: seeds.length,
      dialogues: size.dialogues,
      deleted_dialogues: size.deleted,
    },
  };
}

function figuresOf(trials: readonly TrialResult[], before: AttackResult, after: AttackResult): Record<string, Figure> {
  const count = (holds: (trial: TrialResult) => boolean) => trials.filter(holds).length;
  return {
    membership_auc_before: { value: before.auc, unit: "", goal: "> 0.5: the attack works" },
    membership_auc_after: { value: after.auc, unit: "", goal: "0.5 within its interval" },
    deletions: { value: trials.length, unit: "deletions" },
    deleted_rows: { value: trials.reduce((sum, { rows }) => sum + rows, 0), unit: "rows" },
    rebuilt_identical: { value: count(({ isIdentical }) => isIdentical) / trials.length, unit: "share", goal: "= 1" },
    tainted_left: { value: trials.reduce((sum, { stillThere }) => sum + stillThere, 0), unit: "adapters", goal: "= 0" },
  };
}

function pageOf(
  figures: Readonly<Record<string, Figure>>,
  before: AttackResult,
  after: AttackResult,
  areReal: boolean,
): string {
  const interval = ({ auc, low, high }: AttackResult) => `${auc.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
  const shown: Readonly<Record<string, string>> = {
    membership_auc_before: interval(before),
    membership_auc_after: interval(after),
  };
  const rows = Object.entries(figures).map(([key, { value, unit, goal }]) => [
    `\`${key}\``,
    shown[key] ?? `${value} ${unit}`,
    goal ?? "",
  ]);
  return `Of ${areReal ? "real" : "invented"} writers:\n\n${markdownTable(["figure", "measured", "goal"], rows)}`;
}

function whole(value: unknown): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 1) throw new AppError("E_USAGE", "a whole number above 0 is needed");
  return number;
}
