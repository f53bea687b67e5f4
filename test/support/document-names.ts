/** Kinds of things that documents name and that have to exist. */
export type NamedKind = "npm script" | "benchmark" | "deploy script" | "link";

/** How each kind is recognised in Markdown; the first group is the name. */
const PATTERNS: Readonly<Record<NamedKind, RegExp>> = {
  "npm script": /npm run (?:-s )?([a-z][\w:-]*)/g,
  benchmark: /npm run -s bench -- ([a-z][\w-]*)/g,
  "deploy script": /\b(deploy\/[\w./-]*\.(?:sh|ts|mjs|txt))\b/g,
  link: /\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)/g,
};

/** Everything of that kind which a Markdown text names, in order, doubles removed. */
export function namedIn(markdown: string, kind: NamedKind): string[] {
  return [...new Set([...markdown.matchAll(PATTERNS[kind])].flatMap((match) => match[1] ?? []))];
}
