import { readFile } from "node:fs/promises";
import { writeFileAtomic } from "../../src/core/atomic-file.ts";
import { AppError } from "../../src/core/errors.ts";

const beginOf = (bench: string) => `<!-- results: written by \`npm run -s bench -- ${bench} --write\`; do not edit -->`;
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
 * Puts the results between the two marks of a page, which name the benchmark.
 * @throws AppError E_FILE_UNREADABLE when the page or a mark is missing.
 */
export async function writeResults(path: string, results: string, bench = "personalisation"): Promise<void> {
  const page = await readFile(path, "utf8").catch(() => "");
  const mark = beginOf(bench);
  const begin = page.indexOf(mark);
  const end = page.indexOf(END, begin);
  if (begin < 0 || end < begin) throw new AppError("E_FILE_UNREADABLE", `${path} has no place for results`);
  await writeFileAtomic(path, `${page.slice(0, begin + mark.length)}\n\n${results}\n\n${page.slice(end)}`, 0o644);
}
