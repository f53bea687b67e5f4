import { readFileSync } from "node:fs";
import { arch, cpus, loadavg, release, totalmem } from "node:os";
import { packageRoot } from "../src/core/built-file.ts";

/** One command line option of a benchmark, `--name <value>` (or a switch). */
export interface BenchOption {
  readonly type: "string" | "boolean";
  readonly default?: string | boolean;
  /** One sentence for `--help`, with unit. */
  readonly doc: string;
}

/** What a benchmark is given. */
export interface BenchContext {
  /** Fewer runs and rows; must end within 50 s once everything is built. */
  readonly quick: boolean;
  /** Values of the declared options, defaults filled in. */
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  /** A line for people: stdout, or stderr under `--json`. */
  log(line: string): void;
  /** Fires on SIGINT and SIGTERM: stop children, remove temporary files, return or throw. */
  readonly signal: AbortSignal;
}

/** Middle and spread of repeated runs, in the unit of the samples. */
export interface Spread {
  readonly runs: number;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** One headline figure. */
export interface Figure {
  /** null = it could not be measured here; `skipped` then says why. */
  readonly value: number | null;
  readonly unit: string;
  readonly spread?: Spread;
  /** The goal as shown to people, e.g. `<= 3.0`. */
  readonly goal?: string;
  readonly skipped?: string;
}

/** What a benchmark returns; figures become top-level keys of the JSON object, under their names. */
export interface BenchResult {
  readonly figures: Readonly<Record<string, Figure>>;
  /** Detail rows, one flat object each; `rows` in the JSON, a table for people. */
  readonly rows?: readonly Readonly<Record<string, string | number | boolean | null>>[];
  /** Further top-level keys of the JSON object that are no single figure: intervals, figures per arm. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Anything else worth keeping: seeds, shapes, thread counts, notes. */
  readonly conditions?: Readonly<Record<string, string | number | boolean | null>>;
}

/** `bench/NAME/bench.ts` exports one of these as `bench`. Heavy imports belong inside `run`. */
export interface Benchmark {
  /** One sentence for the list. */
  readonly summary: string;
  /** npm packages whose versions matter to the figures. */
  readonly packages?: readonly string[];
  readonly options?: Readonly<Record<string, BenchOption>>;
  run(context: BenchContext): Promise<BenchResult>;
}

/** The q-quantile (0..1) of samples by the nearest-rank rule: an observed value, never an interpolated one. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const rank = Math.min(sorted.length, Math.max(1, Math.ceil(q * sorted.length)));
  const value = sorted[rank - 1];
  if (value === undefined) throw new RangeError("a quantile of no samples");
  return value;
}

/** Median (mean of the two middle ones when even), least and greatest of at least one sample. */
export function spreadOf(samples: readonly number[]): Spread {
  const sorted = [...samples].sort((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  const low = sorted[Math.floor((sorted.length - 1) / 2)];
  const high = sorted[Math.ceil((sorted.length - 1) / 2)];
  if (min === undefined || max === undefined || low === undefined || high === undefined) {
    throw new RangeError("a spread of no samples");
  }
  return { runs: sorted.length, median: (low + high) / 2, min, max };
}

/** A figure that is the median of its samples. */
export function medianFigure(samples: readonly number[], unit: string, goal?: string): Figure {
  const spread = spreadOf(samples);
  return { value: spread.median, unit, spread, ...(goal === undefined ? {} : { goal }) };
}

/** A figure that could not be measured on this machine, and why. */
export function skippedFigure(unit: string, reason: string): Figure {
  return { value: null, unit, skipped: reason };
}

/** The computer the figures belong to. */
function machineFacts(): Record<string, string | number> {
  return {
    board: readFirstLine("/proc/device-tree/model")?.replace(/\0/g, "") ?? "unnamed",
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    arch: arch(),
    memory_mb: Math.round(totalmem() / 2 ** 20),
    os: /PRETTY_NAME="([^"]*)"/.exec(readText("/etc/os-release") ?? "")?.[1] ?? "unknown",
    kernel: release(),
    load_1min: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}

/** Versions of Node, asls, llama.cpp's bundled release and the named packages as installed. */
function versionFacts(packages: readonly string[]): Record<string, string> {
  const facts: Record<string, string> = { node: process.versions.node, asls: packageVersion(packageRoot) };
  for (const name of packages) facts[name] = packageVersion(`${packageRoot}node_modules/${name}`);
  if (packages.includes("node-llama-cpp")) {
    const tag = /"release":\s*"([^"]+)"/.exec(
      readText(`${packageRoot}node_modules/node-llama-cpp/llama/binariesGithubRelease.json`) ?? "",
    );
    facts["llama.cpp"] = tag?.[1] ?? "unknown";
  }
  return facts;
}

/** The object `--json` prints as the last line. */
export function resultJson(
  name: string,
  quick: boolean,
  durationMs: number,
  packages: readonly string[],
  result: BenchResult,
): Record<string, unknown> {
  const values: Record<string, number | null> = {};
  const spread: Record<string, Spread> = {};
  const skipped: Record<string, string> = {};
  for (const [key, figure] of Object.entries(result.figures)) {
    values[key] = figure.value === null ? null : significant(figure.value);
    if (figure.spread) spread[key] = figure.spread;
    if (figure.skipped) skipped[key] = figure.skipped;
  }
  return {
    bench: name,
    quick,
    ...values,
    ...result.details,
    rows: result.rows ?? [],
    spread,
    skipped,
    conditions: result.conditions ?? {},
    machine: machineFacts(),
    versions: versionFacts(packages),
    duration_s: Math.round(durationMs / 100) / 10,
  };
}

/** Prints machine, versions, rows and figures for people. */
export function printResult(json: Record<string, unknown>, result: BenchResult, log: (line: string) => void): void {
  log("");
  log(`machine   ${describe(json.machine)}`);
  log(`versions  ${describe(json.versions)}`);
  if (result.conditions) log(`run       ${describe(result.conditions)}`);
  if (result.rows?.length) {
    log("");
    for (const line of tableLines(result.rows)) log(line);
  }
  log("");
  for (const [key, figure] of Object.entries(result.figures)) log(figureLine(key, figure));
}

/** Rounds to four significant digits, for people and JSON alike. */
export function significant(value: number): number {
  return Number(value.toPrecision(4));
}

function figureLine(key: string, figure: Figure): string {
  if (figure.value === null) return `${key.padEnd(26)} not measured: ${figure.skipped ?? "no reason given"}`;
  const spread = figure.spread
    ? `  (median of ${figure.spread.runs}, ${significant(figure.spread.min)} .. ${significant(figure.spread.max)})`
    : "";
  const goal = figure.goal ? `  goal ${figure.goal}` : "";
  return `${key.padEnd(26)} ${significant(figure.value)} ${figure.unit}${spread}${goal}`;
}

function tableLines(rows: NonNullable<BenchResult["rows"]>): string[] {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = rows.map((row) => columns.map((column) => cellText(row[column])));
  const widths = columns.map((column, i) => Math.max(column.length, ...cells.map((row) => row[i]?.length ?? 0)));
  return [columns, ...cells].map((row) => row.map((cell, i) => cell.padStart(widths[i] ?? 0)).join("  "));
}

function cellText(value: string | number | boolean | null | undefined): string {
  if (value === undefined || value === null) return "-";
  return typeof value === "number" ? String(significant(value)) : String(value);
}

function describe(facts: unknown): string {
  return Object.entries(facts ?? {})
    .map(([key, value]) => `${key} ${value}`)
    .join(" | ");
}

function packageVersion(folder: string): string {
  return /"version":\s*"([^"]+)"/.exec(readText(`${folder}/package.json`) ?? "")?.[1] ?? "not installed";
}

function readFirstLine(path: string): string | undefined {
  return readText(path)?.split("\n")[0];
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // every fact here is a nicety: a machine without the file still has figures
  }
}
