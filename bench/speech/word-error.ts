/** Words as they are compared: lower case, `ok` and `okay` the same. */
export function comparedWords(text: string): string[] {
  return text
    .toLowerCase()
    .replace(/\bok\b/g, "okay")
    .split(/\s+/)
    .filter((word) => word !== "");
}

/** Fewest insertions, deletions and substitutions that turn one into the other (Levenshtein, by word). */
export function wordErrors(reference: readonly string[], heard: readonly string[]): number {
  let row = Array.from({ length: heard.length + 1 }, (_, j) => j);
  reference.forEach((word, i) => {
    const next = [i + 1];
    heard.forEach((other, j) => {
      const substituted = (row[j] ?? 0) + (word === other ? 0 : 1);
      next.push(Math.min((row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1, substituted));
    });
    row = next;
  });
  return row[heard.length] ?? 0;
}
