import * as v from "valibot";
import { writeFileAtomic } from "../core/atomic-file.ts";
import { AppError } from "../core/errors.ts";
import { objectSchema } from "./protocol-table.ts";
import { snakeKeys } from "./trainer-protocol.ts";

type Span = readonly [from: number, to: number];

interface TokenExampleBase {
  /** Unique in its file; random or a row id, never user text. */
  readonly id: string;
  /** Share in the loss, [0, 1000]; default 1. */
  readonly weight?: number;
  readonly tokens: readonly number[];
  /** Half-open spans of positions whose token is predicted; ascending, without overlap, from >= 1. */
  readonly targets: readonly Span[];
  /** `score`: candidates of one prompt share it. */
  readonly group?: string;
}

/** One example as the trainer reads it. */
export type TokenExample =
  | (TokenExampleBase & { readonly kind: "ce" })
  | (TokenExampleBase & { readonly kind: "kto"; readonly desirable: boolean })
  /** `tokens` is the chosen answer with its prompt. */
  | (TokenExampleBase & {
      readonly kind: "dpo";
      readonly rejected: readonly number[];
      readonly rejectedTargets: readonly Span[];
    });

const exampleSchema = objectSchema("example");

/**
 * Writes the trainer's data file, one JSON line per example, mode 0600 (it is the user's text in numbers).
 * @throws AppError E_DATA_INVALID naming the example (counted from 1) and the rule; E_DISK_FULL, E_FILE_UNWRITABLE.
 */
export async function writeTokenFile(path: string, examples: Iterable<TokenExample>): Promise<void> {
  const lines: string[] = [];
  const ids = new Set<string>();
  for (const example of examples) {
    const wire = snakeKeys(example);
    const complaint = tokenExampleComplaint(example, wire, ids);
    if (complaint !== undefined) throw new AppError("E_DATA_INVALID", `example ${lines.length + 1}: ${complaint}`);
    ids.add(example.id);
    lines.push(JSON.stringify(wire));
  }
  await writeFileAtomic(path, lines.length === 0 ? "" : `${lines.join("\n")}\n`);
}

function tokenExampleComplaint(example: TokenExample, wire: unknown, ids: ReadonlySet<string>): string | undefined {
  const result = v.safeParse(exampleSchema, wire, { abortEarly: true });
  if (!result.success) return `${v.getDotPath(result.issues[0]) ?? "example"} is not valid`;
  if (ids.has(example.id)) return "id is not unique";
  const complaint = spanComplaint(example.tokens, example.targets);
  if (complaint !== undefined) return `targets ${complaint}`;
  if (example.kind !== "dpo") return undefined;
  const rejectedComplaint = spanComplaint(example.rejected, example.rejectedTargets);
  return rejectedComplaint === undefined ? undefined : `rejected_targets ${rejectedComplaint}`;
}

/** The first position has no past to be predicted from. */
function spanComplaint(tokens: readonly number[], spans: readonly Span[]): string | undefined {
  if (spans.length === 0) return "are empty";
  let least = 1;
  for (const [from, to] of spans) {
    if (from < least || to <= from || to > tokens.length) return `[${from}, ${to}) is out of place`;
    least = to;
  }
  return undefined;
}
