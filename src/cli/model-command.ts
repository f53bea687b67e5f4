import { readFile } from "node:fs/promises";
import { Command } from "commander";
import { packageRoot } from "../core/built-file.ts";
import { SystemClock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { fileSha256 } from "../core/file-hash.ts";
import { extraArchitecturesOf, inspectModel, modelPathOf } from "../runtime/llm/model-file.ts";
import { ModelStore } from "../runtime/llm/model-store.ts";
import { configOf, interruptSignal, print, withCommonOptions } from "./context.ts";
import { describeModel, megabytesText, modelJson, storedModelJson, storedModelLine } from "./describe-model.ts";
import { DownloadProgressLine } from "./download-progress.ts";

interface JsonOption {
  readonly json?: boolean;
}

interface PullOptions extends JsonOption {
  readonly sha256?: string;
  readonly tokenFile?: string;
  readonly hub?: string;
  readonly use?: boolean;
}

const EXAMPLES = `
Examples:
  asls model list
  asls model pull hf:Qwen/Qwen3-0.6B-GGUF/Qwen3-0.6B-Q8_0.gguf --use
  asls model pull https://example.org/my.gguf --sha256 9eb9c2...
  asls model use Qwen3-0.6B-Q8_0
  asls model show

A download that was interrupted goes on when the same command is run again.`;

/** `asls model …`: which language model answers. */
export function modelCommand(): Command {
  const model = new Command("model")
    .description("see, fetch and choose the language model")
    .addHelpText("after", EXAMPLES);
  model.addCommand(leaf("list", "models on this device; * is in use").action(list));
  model.addCommand(
    leaf("show", "what a model file says about itself, and its SHA-256")
      .argument("[model]", "name in the list, or path; default: the one in use")
      .action(show),
  );
  model.addCommand(
    leaf("use", "answer with this model from the next start on")
      .argument("<model>", "name in the list, or path")
      .action(use),
  );
  model.addCommand(
    leaf("pull", "fetch a model, with progress, resume and hash check")
      .argument("<source>", "hf:org/repo/file.gguf, hf:org/repo@revision/file.gguf, or https address")
      .option("--sha256 <hex>", "what its SHA-256 must be; the hub's own is checked anyway")
      .option("--token-file <file>", "file with an access token for private models")
      .option("--hub <url>", "mirror of the hub to fetch hf: models from")
      .option("--use", "and answer with it from the next start on")
      .action(pull),
  );
  return model;
}

function leaf(name: string, description: string): Command {
  return withCommonOptions(new Command(name).description(description)).option("--json", "print JSON");
}

/** The store as configured, which architectures it accepts, and the path of the model in use. */
async function openStore(command: Command) {
  const { config } = await configOf(command);
  const { modelsDir, configDir } = config.paths;
  const store = new ModelStore({ modelsDir, shippedDir: `${packageRoot}models`, configDir }, new SystemClock());
  return {
    store,
    extraArchitectures: extraArchitecturesOf(config.model.extraArchitectures),
    inUse: modelPathOf(config.model.path),
  };
}

async function list(options: JsonOption, command: Command): Promise<void> {
  const { store, extraArchitectures, inUse } = await openStore(command);
  const models = await store.list(extraArchitectures);
  print(
    options.json,
    models.map((stored) => storedModelJson(stored, inUse)),
    () =>
      [
        ...models.map((stored) => storedModelLine(stored, inUse)),
        ...(models.some(({ path }) => path === inUse) ? [] : [`* ${inUse} (model.path)`]),
      ].join("\n"),
  );
}

async function show(name: string | undefined, options: JsonOption, command: Command): Promise<void> {
  const { store, extraArchitectures, inUse } = await openStore(command);
  const path = name === undefined ? inUse : await store.find(name);
  const file = await inspectModel(path, extraArchitectures);
  const sha256 = await fileSha256(path);
  print(options.json, { ...modelJson(file), sha256, in_use: path === inUse }, () => describeModel(file, sha256));
}

async function use(name: string, options: JsonOption, command: Command): Promise<void> {
  const { store, extraArchitectures } = await openStore(command);
  const chosen = await store.use(name, extraArchitectures);
  print(
    options.json,
    { path: chosen.path, config_file: chosen.configFile },
    () => `${chosen.path} answers from the next start on (${chosen.configFile}).\nRestart: systemctl restart asls`,
  );
}

async function pull(source: string, options: PullOptions, command: Command): Promise<void> {
  const signal = interruptSignal();
  const { store, extraArchitectures } = await openStore(command);
  const token = options.tokenFile === undefined ? undefined : await readToken(options.tokenFile);
  const clock = new SystemClock();
  const line = new DownloadProgressLine(
    (text) => process.stderr.write(text),
    process.stderr.isTTY === true,
    () => clock.monotonicMs(),
  );
  try {
    const pulled = await store.pull({
      source,
      extraArchitectures,
      signal,
      onProgress: (received, total) => line.show(received, total),
      ...(options.sha256 === undefined ? {} : { sha256: options.sha256 }),
      ...(token === undefined ? {} : { token }),
      ...(options.hub === undefined ? {} : { hubUrl: options.hub }),
    });
    line.end();
    const chosen = options.use === true ? await store.use(pulled.path, extraArchitectures) : null;
    const { sizeBytes } = await inspectModel(pulled.path, extraArchitectures);
    print(
      options.json,
      {
        path: pulled.path,
        sha256: pulled.sha256,
        verified: pulled.isVerified,
        new: pulled.isNew,
        config_file: chosen?.configFile ?? null,
      },
      () =>
        [
          `${pulled.isNew ? "fetched" : "already there"}: ${pulled.path}, ${megabytesText(sizeBytes)}`,
          `sha256 ${pulled.sha256} (${pulled.isVerified ? "as promised" : "nothing to compare it with"})`,
          ...(chosen ? [`It answers from the next start on: systemctl restart asls`] : []),
        ].join("\n"),
    );
  } finally {
    line.end();
  }
}

async function readToken(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    throw new AppError("E_FILE_UNREADABLE", `cannot read the token file ${path}`, { cause: error });
  }
}
