import fc from "fast-check";
import { isAppError } from "../../src/core/errors.ts";
import { type Reader, readers } from "./readers.ts";

export interface FuzzOptions {
  /** Inputs in all; readers of files get a tenth of what the others get. */
  readonly inputs: number;
  readonly seed: number;
  /** Names; default all. */
  readonly only?: readonly string[] | undefined;
  readonly log: (line: string) => void;
}

export interface FuzzFinding {
  readonly reader: string;
  /** The smallest input that was found to do it, base64. */
  readonly input: string;
  readonly error: string;
}

export interface FuzzReport {
  readonly inputs: number;
  readonly crashes: number;
  readonly seed: number;
  readonly readers: Readonly<Record<string, number>>;
  readonly findings: readonly FuzzFinding[];
}

const SLOW_SHARE = 0.1;
/** Longest random input, bytes. */
const MAX_BYTES = 300;

type Edit = { readonly kind: "set" | "insert" | "remove" | "repeat"; readonly at: number; readonly bytes: Uint8Array };

/** Feeds every reader random bytes and damaged good inputs. What is thrown must be a coded error. */
export async function fuzz({ inputs, seed, only, log }: FuzzOptions): Promise<FuzzReport> {
  const chosen = readers().filter(({ name }) => only === undefined || only.includes(name));
  const shares = chosen.reduce((sum, { isSlow }) => sum + (isSlow ? SLOW_SHARE : 1), 0);
  const counts: Record<string, number> = {};
  const findings: FuzzFinding[] = [];
  for (const reader of chosen) {
    const runs = Math.ceil((inputs / shares) * (reader.isSlow ? SLOW_SHARE : 1));
    const result = await fc.check(
      fc.asyncProperty(inputFor(reader), (bytes) => mustReadOrRefuse(reader, bytes)),
      { numRuns: runs, seed, endOnFailure: false },
    );
    counts[reader.name] = result.numRuns;
    if (result.counterexample !== null) {
      const [input] = result.counterexample;
      const error = result.errorInstance instanceof Error ? result.errorInstance.message : String(result.errorInstance);
      findings.push({ reader: reader.name, input: Buffer.from(input).toString("base64"), error });
      log(`${reader.name}: ${error} (input ${findings.at(-1)?.input})`);
    } else log(`${reader.name}: ${result.numRuns} inputs`);
  }
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return { inputs: total, crashes: findings.length, seed, readers: counts, findings };
}

/** @throws Error naming what was thrown, when it is no coded error. */
export async function mustReadOrRefuse(reader: Reader, bytes: Uint8Array): Promise<void> {
  try {
    await reader.read(bytes);
  } catch (error) {
    if (isAppError(error) && error.code !== "E_INTERNAL" && reader.neverRefuses !== true) return;
    throw new Error(`threw ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`);
  }
}

function inputFor({ samples }: Reader): fc.Arbitrary<Uint8Array> {
  const chunk = fc.uint8Array({ maxLength: 8 });
  const edit: fc.Arbitrary<Edit> = fc.record({
    kind: fc.constantFrom("set", "insert", "remove", "repeat"),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    bytes: fc.oneof(chunk, fc.constantFrom(...EXTREMES)),
  });
  const damaged = fc
    .tuple(fc.constantFrom(...samples), fc.array(edit, { minLength: 1, maxLength: 4 }))
    .map(([sample, edits]) => edits.reduce(edited, sample));
  const words = fc.string({ unit: "binary", maxLength: MAX_BYTES }).map((text) => new Uint8Array(Buffer.from(text)));
  return fc.oneof(
    { weight: 5, arbitrary: damaged },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: MAX_BYTES }) },
    { weight: 1, arbitrary: words },
  );
}

/** Numbers that break arithmetic, and bytes that mean something to parsers. */
const EXTREMES: readonly Uint8Array[] = [
  Uint8Array.of(0xff, 0xff, 0xff, 0xff),
  Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f),
  Uint8Array.of(0, 0, 0, 0x80),
  Buffer.from("null"),
  Buffer.from("1e999"),
  Buffer.from('{"__proto__":1}'),
  Buffer.from("[[[[[[[["),
  Buffer.from('"\\ud800"'),
  Buffer.from("\n"),
];

function edited(bytes: Uint8Array, { kind, at, bytes: piece }: Edit): Uint8Array {
  const from = Math.floor(at * bytes.length);
  const [head, tail] = [bytes.subarray(0, from), bytes.subarray(from)];
  if (kind === "insert") return Buffer.concat([head, piece, tail]);
  if (kind === "remove") return Buffer.concat([head, tail.subarray(piece.length)]);
  if (kind === "repeat") return Buffer.concat([head, tail.subarray(0, 64), tail]);
  return Buffer.concat([head, piece, tail.subarray(piece.length)]);
}
