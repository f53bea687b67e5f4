import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { SignalFreezer } from "../adapt/freezer.ts";
import { DEFAULT_META_SETTINGS, learnMetaInitialisation, type MetaProgress } from "../adapt/meta-initialisation.ts";
import { peopleTasks, readPeople } from "../adapt/people-corpus.ts";
import { trainerExecutable } from "../adapt/trainer-executable.ts";
import { TrainerProcess } from "../adapt/trainer-process.ts";
import { writeFileAtomic } from "../core/atomic-file.ts";
import { SystemClock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { fileSha256 } from "../core/file-hash.ts";
import { silentLogger } from "../core/logger.ts";
import { LlamaTrainingTextEncoder } from "../runtime/llm/training-text-encoder.ts";
import { interruptSignal, print } from "./context.ts";

interface MetaOptions {
  readonly data: string;
  readonly model: string;
  readonly out: string;
  readonly initAdapter?: string;
  readonly rank: number;
  readonly jointSteps: number;
  readonly rounds: number;
  readonly tasks: number;
  readonly innerSteps: number;
  readonly dialogues: number;
  readonly minDialogues: number;
  readonly seed: number;
  readonly threads: number;
  readonly trainer?: string;
  readonly json?: true;
}

const defaults = DEFAULT_META_SETTINGS;

const HELP = `
Data is JSON lines, one dialogue a line, every turn written by that person:
  {"writer": 17, "turns": ["Have you seen it?", "Twice."]}
A folder is read file by file (*.jsonl, *.jsonl.gz); without "writer" each file is one person.

Beside NAME.gguf goes NAME.json with the SHA-256 of the base that it belongs to.

Examples:
  asls adapter meta --data people/ --model models/seed-q8_0.gguf --out warm-start.gguf
  asls adapter meta --data self-dialogue.jsonl.gz --min-dialogues 8 --model models/seed-q8_0.gguf --out warm-start.gguf
  asls adapter meta --data more.jsonl.gz --model models/seed-q8_0.gguf --out better.gguf --init-adapter warm-start.gguf --joint-steps 0`;

/** `asls adapter meta`: learns a warm start for new people's adapters from other people's dialogues. */
export function adapterMetaCommand(): Command {
  return new Command("meta")
    .description("learn a warm start (Reptile) from the dialogues of several people, without the service")
    .requiredOption("--data <path>", "dialogues: a file or a folder (see below)")
    .requiredOption("--model <file>", "base model, GGUF")
    .requiredOption("--out <file>", "adapter to write, GGUF")
    .option("--init-adapter <file>", "adapter to go on from")
    .option("--rank <n>", "rank of the adapter; alpha is twice that", count, defaults.lora.rank ?? 16)
    .option("--joint-steps <n>", "steps on everybody together before Reptile", countOrZero, defaults.jointSteps)
    .option("--rounds <n>", "rounds of Reptile", countOrZero, defaults.rounds)
    .option("--tasks <n>", "people per round", count, defaults.tasksPerRound)
    .option("--inner-steps <n>", "steps per person and round", count, defaults.innerSteps)
    .option("--dialogues <n>", "dialogues per person, at most", count, 40)
    .option("--min-dialogues <n>", "leave out people with fewer dialogues", count, 1)
    .option("--seed <n>", "of start and order", count, defaults.seed)
    .option("--threads <n>", "compute threads", count, 1)
    .option("--trainer <file>", "asls-trainer executable (default: the one of this installation)")
    .option("--json", "one line of JSON with the result on stdout")
    .addHelpText("after", HELP)
    .action(learn);
}

async function learn(options: MetaOptions): Promise<void> {
  const signal = interruptSignal();
  const [model, out] = [resolve(options.model), resolve(options.out)];
  const people = (await readPeople(resolve(options.data))).filter(
    ({ dialogues }) => dialogues.length >= options.minDialogues,
  );
  if (people.length === 0) {
    throw new AppError("E_DATA_INVALID", `nobody in the data has ${options.minDialogues} dialogues or more`);
  }
  await using encoder = await LlamaTrainingTextEncoder.open(model, silentLogger);
  const tasks = peopleTasks(people, encoder, defaults.maxTokens, options.dialogues);
  const trainer = new TrainerProcess({
    command: { file: trainerExecutable(options.trainer === undefined ? null : resolve(options.trainer)) },
    clock: new SystemClock(),
    logger: silentLogger,
    freezer: new SignalFreezer(),
  });
  const lora = { rank: options.rank, alpha: 2 * options.rank };
  const settings = {
    ...defaults,
    lora,
    jointSteps: options.jointSteps,
    rounds: options.rounds,
    tasksPerRound: options.tasks,
    innerSteps: options.innerSteps,
    seed: options.seed,
  };
  const folder = await mkdtemp(join(tmpdir(), "asls-meta-"));
  try {
    await learnMetaInitialisation(
      { trainer, model, folder, threads: options.threads, signal, onEvent: () => {}, onProgress: showProgress },
      tasks,
      settings,
      options.initAdapter === undefined ? null : resolve(options.initAdapter),
      out,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const facts = { base_sha256: await fileSha256(model), sha256: await fileSha256(out), people: people.length };
  await writeFileAtomic(out.replace(/\.gguf$/, "").concat(".json"), `${JSON.stringify(facts, null, 2)}\n`, 0o644);
  print(options.json, { kind: "done", out, ...facts }, () => `warm start from ${people.length} people: ${out}`);
}

/** One line per 50 joint steps and per 5 rounds. */
function showProgress(progress: MetaProgress): void {
  const { phase, step, steps, loss } = progress;
  if (step % (phase === "joint" ? 50 : 5) !== 0 && step !== steps) return;
  const adapted = phase === "reptile" ? ` -> ${progress.adapted.toFixed(3)}` : "";
  process.stderr.write(`${phase} ${step}/${steps}: loss ${loss === null ? "-" : loss.toFixed(3)}${adapted}\n`);
}

function number(text: string, least: number): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isSafeInteger(value) || value < least) {
    throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
  }
  return value;
}

const count = (text: string) => number(text, 1);
const countOrZero = (text: string) => number(text, 0);
