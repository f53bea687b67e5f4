import { appendFile, mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { writeFileAtomic } from "../../src/core/atomic-file.ts";
import { AppError } from "../../src/core/errors.ts";
import type { ArmResult } from "./arm-result.ts";

/** Names what the rows of a published file were measured with. */
const DIGEST_KEY = "digest";
/** Of published numbers, significant: nats of a dialogue, shares, seconds. */
const DIGITS = 7;

/** Results so far, one JSON line each, so that a run that was ended goes on where it was. No text is kept. */
export class BenchState {
  readonly path: string;
  readonly #results: Map<string, unknown>;

  private constructor(path: string, results: Map<string, unknown>) {
    this.path = path;
    this.#results = results;
  }

  static async open(path: string): Promise<BenchState> {
    await mkdir(dirname(path), { recursive: true });
    const results = rowsOf(await readFile(path, "utf8").catch(() => ""));
    return new BenchState(path, results);
  }

  /**
   * Takes over the rows that {@link publish} wrote and that are not here yet.
   * @throws AppError E_FILE_UNREADABLE; E_USAGE when they were measured with another model, other users or settings.
   */
  async takeOver(path: string, digest: string): Promise<void> {
    const text = await readFile(path, "utf8").catch((cause: unknown) => {
      throw new AppError("E_FILE_UNREADABLE", `cannot read the figures in ${path}`, { cause });
    });
    const rows = rowsOf(text);
    if (rows.get(DIGEST_KEY) !== digest) {
      throw new AppError("E_USAGE", `${path} was measured with another model, other users or settings; leave it out`);
    }
    rows.delete(DIGEST_KEY);
    for (const [key, value] of rows) await this.once(key, async () => value);
  }

  /** All rows by key, for a later run elsewhere and for who wants to count again. */
  async publish(path: string, digest: string): Promise<void> {
    const rows = [...this.#results].sort(([a], [b]) => (a < b ? -1 : 1));
    const lines = [[DIGEST_KEY, digest] as const, ...rows].map(([key, value]) =>
      JSON.stringify({ key, value }, (_, each) => (typeof each === "number" ? Number(each.toPrecision(DIGITS)) : each)),
    );
    await writeFileAtomic(path, `${lines.join("\n")}\n`, 0o644);
  }

  /** The kept value, or what `make` gives, kept from now on. */
  async once<T>(key: string, make: () => Promise<T>): Promise<T> {
    if (this.#results.has(key)) return this.#results.get(key) as T;
    const value = await make();
    await appendFile(this.path, `\n${JSON.stringify({ key, value })}`);
    this.#results.set(key, value);
    return value;
  }

  kept(key: string): unknown {
    return this.#results.get(key);
  }

  keys(prefix: string): string[] {
    return [...this.#results.keys()].filter((key) => key.startsWith(prefix));
  }

  /** Results of one arm, by writer, then by seed. */
  arm(name: string, writers: readonly number[], seeds: readonly number[]): ReadonlyMap<number, readonly ArmResult[]> {
    const found = new Map<number, ArmResult[]>();
    for (const writer of writers) {
      const results = seeds.flatMap((seed) => {
        const value = this.#results.get(cellKey(name, seed, writer));
        return value === undefined ? [] : [value as ArmResult];
      });
      if (results.length > 0) found.set(writer, results);
    }
    return found;
  }
}

/** Where the result of an arm is kept. */
export function cellKey(arm: string, seed: number, writer: number): string {
  return `arm/${arm}/${seed}/${writer}`;
}

function rowsOf(text: string): Map<string, unknown> {
  const rows = text.split("\n").flatMap((line) => parsed(line) ?? []); // the last of a run that was cut off may be half a line
  return new Map(rows.map(({ key, value }) => [key, value]));
}

function parsed(line: string): { key: string; value: unknown } | null {
  try {
    const row: unknown = JSON.parse(line);
    if (typeof row !== "object" || row === null || !("key" in row) || !("value" in row)) return null;
    return typeof row.key === "string" ? { key: row.key, value: row.value } : null;
  } catch {
    return null;
  }
}
