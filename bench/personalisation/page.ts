import { readFile } from "node:fs/promises";
import { writeFileAtomic } from "../../src/core/atomic-file.ts";
import { AppError } from "../../src/core/errors.ts";

const BEGIN = "<!-- results: written by `npm run -s bench -- personalisation --write`; do not edit -->";
const END = "<!-- end of results -->";

/** A Markdown table. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** A share as a percentage with one decimal. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/**
 * Puts the results between the two marks of a page.
 * @throws AppError E_FILE_UNREADABLE when the page or a mark is missing.
 */
export async function writeResults(path: string, results: string): Promise<void> {
  const page = await readFile(path, "utf8").catch(() => "");
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new AppError("E_FILE_UNREADABLE", `${path} has no place for results`);
  await writeFileAtomic(path, `${page.slice(0, begin + BEGIN.length)}\n\n${results}\n\n${page.slice(end)}`, 0o644);
}
