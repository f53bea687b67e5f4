/** One line of a module map: a path relative to the repository (folders end in `/`), and what it is for. */
export interface ModuleMapEntry {
  readonly path: string;
  readonly purpose: string;
}

/**
 * Reads the module map of docs/architecture.md: the first fenced block after the heading `## Module map`, one
 * `path  purpose` a line. Lines that start with a blank continue the purpose above.
 */
export function parseModuleMap(markdown: string): ModuleMapEntry[] {
  const block = /^## Module map$[\s\S]*?^```\w*\n([\s\S]*?)^```$/m.exec(markdown)?.[1];
  if (block === undefined) return [];
  const entries: ModuleMapEntry[] = [];
  for (const line of block.split("\n")) {
    const match = /^(\S+)(?: +(.*))?$/.exec(line);
    if (match?.[1] !== undefined) entries.push({ path: match[1], purpose: match[2]?.trim() ?? "" });
  }
  return entries;
}

/**
 * What the map and the tree disagree about, one sentence each; empty when they agree. The map has to list every folder
 * of the tree that holds files itself down to two levels below `src/`, and nothing that is not there.
 *
 * @param files paths of all files of the tree, relative to its root, without generated ones.
 */
export function moduleMapDrift(map: readonly ModuleMapEntry[], files: readonly string[]): string[] {
  const folders = new Set(files.flatMap(foldersOf));
  const listed = new Set(map.map((entry) => entry.path));
  const wanted = new Set(files.map(mappedFolder).filter((folder) => folder !== undefined));
  const drift: string[] = [];
  for (const folder of [...wanted].sort()) {
    if (!listed.has(folder)) drift.push(`${folder} is in the tree and not in the map`);
  }
  for (const { path, purpose } of map) {
    if (!folders.has(path) && !files.includes(path)) drift.push(`${path} is in the map and not in the tree`);
    if (purpose === "") drift.push(`${path} has no purpose in the map`);
  }
  if (listed.size !== map.length) drift.push("a path is in the map twice");
  return drift;
}

/** All folders above a file: `a/b/c.ts` gives `a/` and `a/b/`. */
function foldersOf(file: string): string[] {
  const parts = file.split("/").slice(0, -1);
  return parts.map((_, index) => `${parts.slice(0, index + 1).join("/")}/`);
}

/** The folder that has to be in the map for a file: `src/LAYER/PART/` at the deepest, `TOP/` outside of src. */
function mappedFolder(file: string): string | undefined {
  const parts = file.split("/").slice(0, -1);
  if (parts.length === 0 || parts[0]?.startsWith(".")) return undefined;
  return `${parts.slice(0, parts[0] === "src" ? 3 : 1).join("/")}/`;
}
