import { existsSync, readdirSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { packageRoot } from "../src/core/built-file.ts";
import { AppError, toAppError } from "../src/core/errors.ts";
import { type Benchmark, type BenchOption, printResult, resultJson } from "./report.ts";

const COMMON_OPTIONS: Readonly<Record<string, BenchOption>> = {
  quick: { type: "boolean", doc: "fewer runs and rows; ends within 50 s once built" },
  json: { type: "boolean", doc: "one JSON object as the last line of stdout, lines for people on stderr" },
  help: { type: "boolean", doc: "this text" },
};

const folder = `${packageRoot}bench/`;

/** Names of the folders under bench/ that hold a benchmark. */
function benchNames(): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(`${folder}${entry.name}/bench.ts`))
    .map((entry) => entry.name)
    .sort();
}

async function loadBench(name: string): Promise<Benchmark> {
  const module: unknown = await import(pathToFileURL(`${folder}${name}/bench.ts`).href);
  if (typeof module === "object" && module !== null && "bench" in module) return module.bench as Benchmark;
  throw new AppError("E_INTERNAL", `bench/${name}/bench.ts does not export \`bench\``);
}

async function listText(): Promise<string> {
  const lines = ["Usage: npm run -s bench -- NAME [--quick] [--json] [options]", "", "Benchmarks:"];
  for (const name of benchNames()) {
    const summary = await loadBench(name).then(
      (bench) => bench.summary,
      (error: unknown) => `(cannot be loaded: ${error instanceof Error ? error.message : String(error)})`,
    );
    lines.push(`  ${name.padEnd(18)} ${summary}`);
  }
  return [...lines, "", "`NAME --help` shows the options of one benchmark."].join("\n");
}

function helpText(name: string, bench: Benchmark): string {
  const lines = [`Usage: npm run -s bench -- ${name} [options]`, "", bench.summary, "", "Options:"];
  for (const [option, { type, doc, default: value }] of Object.entries({ ...bench.options, ...COMMON_OPTIONS })) {
    const flag = type === "string" ? `--${option} <value>` : `--${option}`;
    lines.push(`  ${flag.padEnd(24)} ${doc}${value === undefined ? "" : ` (default ${value})`}`);
  }
  return lines.join("\n");
}

/** Runs one benchmark; returns the exit code: 0 measured or help, 1 failed, 2 usage. */
async function main(args: readonly string[]): Promise<number> {
  const [name] = args;
  if (name === undefined || name === "--help" || name === "help") {
    console.log(await listText());
    return name === undefined ? 2 : 0;
  }
  if (!benchNames().includes(name)) {
    console.error(`no benchmark of the name ${JSON.stringify(name)}\n\n${await listText()}`);
    return 2;
  }
  const bench = await loadBench(name);
  const values = parseOptions(args.slice(1), bench);
  if (values.help === true) {
    console.log(helpText(name, bench));
    return 0;
  }
  const { quick, json, help: _help, ...options } = values;
  const log = json === true ? (line: string) => console.error(line) : (line: string) => console.log(line);
  const abort = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => abort.abort());
  const load = loadavg()[0] ?? 0;
  if (load > availableParallelism() / 2) {
    log(
      `warning: this machine is busy (load ${load.toFixed(1)} on ${availableParallelism()} cores); times are not comparable`,
    );
  }
  const startedMs = performance.now();
  const result = await bench.run({ quick: quick === true, options, log, signal: abort.signal });
  const object = resultJson(name, quick === true, performance.now() - startedMs, bench.packages ?? [], result);
  printResult(object, result, log);
  if (json === true) console.log(JSON.stringify(object));
  return 0;
}

function parseOptions(args: string[], bench: Benchmark): Record<string, string | boolean | undefined> {
  const options = Object.fromEntries(
    Object.entries({ ...bench.options, ...COMMON_OPTIONS }).map(([key, { type, default: value }]) => [
      key,
      value === undefined ? { type } : { type, default: value },
    ]),
  );
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values as Record<
      string,
      string | boolean | undefined
    >;
  } catch (error) {
    throw new AppError("E_USAGE", error instanceof Error ? error.message : "bad arguments", { cause: error });
  }
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    const failure = toAppError(error, "E_INTERNAL", error instanceof Error ? error.message : String(error));
    console.error(`${failure.code}: ${failure.message}\n${failure.hint}`);
    if (failure.code === "E_INTERNAL") console.error(error);
    process.exit(failure.code === "E_USAGE" ? 2 : 1);
  },
);
