import { appendFile, mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { ArmResult } from "./arm-result.ts";

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
    const text = await readFile(path, "utf8").catch(() => "");
    const results = new Map<string, unknown>();
    for (const line of text.split("\n")) {
      const row = parsed(line); // the last line of a run that was cut off may be half a line
      if (row !== null) results.set(row.key, row.value);
    }
    return new BenchState(path, results);
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

function parsed(line: string): { key: string; value: unknown } | null {
  try {
    const row: unknown = JSON.parse(line);
    if (typeof row !== "object" || row === null || !("key" in row) || !("value" in row)) return null;
    return typeof row.key === "string" ? { key: row.key, value: row.value } : null;
  } catch {
    return null;
  }
}
