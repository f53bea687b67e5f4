import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Document, isAlias, isMap, isScalar, LineCounter, type ParsedNode, parseDocument } from "yaml";
import { isEnoent, systemErrorCode } from "../../core/errors.ts";
import type { ConfigProblem } from "./config-error.ts";
import { type ConfigLayer, type ConfigSource, type LayerEntry, unknownKeyMessage } from "./config-layer.ts";
import { CONFIG_KEYS } from "./schema.ts";

const MAX_FILE_BYTES = 1024 * 1024;

/** Values of asls.yaml, then of each conf.d/*.yaml in the order of their names. Absent files are no problem. */
export async function fileLayers(configDir: string): Promise<ConfigLayer[]> {
  const dropIns = join(configDir, "conf.d");
  const main = join(configDir, "asls.yaml");
  try {
    const names = (await readdir(dropIns)).filter((name) => /^[^.].*\.ya?ml$/.test(name)).sort();
    return await Promise.all([main, ...names.map((name) => join(dropIns, name))].map(yamlLayer));
  } catch (error) {
    if (isEnoent(error)) return [await yamlLayer(main)];
    return [await yamlLayer(main), unreadable(dropIns, error)];
  }
}

/** Values of one YAML file, each with its line; every problem of the file, not only the first. */
async function yamlLayer(file: string): Promise<ConfigLayer> {
  try {
    const { size, mode } = await stat(file);
    if (size > MAX_FILE_BYTES) {
      return { entries: [], warnings: [], problems: [{ where: file, key: null, message: "is larger than 1 MiB" }] };
    }
    const layer = parseYamlLayer(await readFile(file, "utf8"), file);
    const secret = layer.entries.find(({ key }) => CONFIG_KEYS.get(key)?.sensitive);
    if (secret === undefined || (mode & 0o004) === 0) return layer;
    const warning = `${secret.source.where}: ${secret.key} can be read by every user of this machine: chmod o-r ${file}`;
    return { ...layer, warnings: [warning] };
  } catch (error) {
    return isEnoent(error) ? { entries: [], problems: [], warnings: [] } : unreadable(file, error);
  }
}

/** As {@link yamlLayer}, of text already read; `file` names it in sources and starts its relative paths. */
export function parseYamlLayer(text: string, file: string): ConfigLayer {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const walk = new YamlWalk(document, file, lineCounter);
  if (document.errors.length > 0) {
    for (const error of document.errors) walk.report(error.pos[0], null, error.message);
  } else if (document.contents !== null) {
    walk.visit(document.contents, "");
  }
  return { entries: walk.entries, problems: walk.problems, warnings: [] };
}

function unreadable(file: string, error: unknown): ConfigLayer {
  const message = `cannot be read (${systemErrorCode(error) ?? String(error)})`;
  return { entries: [], warnings: [], problems: [{ where: file, key: null, message }] };
}

class YamlWalk {
  readonly entries: LayerEntry[] = [];
  readonly problems: ConfigProblem[] = [];
  readonly #document: Document;
  readonly #file: string;
  readonly #lineCounter: LineCounter;

  constructor(document: Document, file: string, lineCounter: LineCounter) {
    this.#document = document;
    this.#file = file;
    this.#lineCounter = lineCounter;
  }

  report(offset: number, key: string | null, message: string): void {
    this.problems.push({ where: this.#where(offset), key, message });
  }

  /** `path` is "" at the root, else the dotted key of this node. */
  visit(node: ParsedNode, path: string): void {
    const target = isAlias(node) ? node.resolve(this.#document) : node;
    if (!isMap(target)) {
      const problem =
        path === "" ? "the file must hold sections, each with its keys" : "is a section: its keys go below";
      if (!(isScalar(target) && target.value === null)) this.report(node.range[0], path === "" ? null : path, problem);
      return;
    }
    for (const pair of target.items) {
      const key = isScalar(pair.key) ? String(pair.key.value) : "?";
      const offset = isScalar(pair.key) && pair.key.range ? pair.key.range[0] : node.range[0];
      this.#visitPair(path === "" ? key : `${path}.${key}`, offset, pair.value as ParsedNode | null);
    }
  }

  #visitPair(path: string, offset: number, value: ParsedNode | null): void {
    if (!CONFIG_KEYS.has(path)) {
      if (!isSection(path)) this.report(offset, path, unknownKeyMessage(path));
      else if (value !== null) this.visit(value, path);
      return;
    }
    const target = isAlias(value) ? value.resolve(this.#document) : value;
    if (target !== null && !isScalar(target)) {
      this.report(offset, path, "takes one value, not a list or a section");
      return;
    }
    const source: ConfigSource = { layer: "file", where: this.#where(offset) };
    this.entries.push({ key: path, value: target?.value ?? null, source, baseDir: dirname(this.#file) });
  }

  #where(offset: number): string {
    return `${this.#file}:${this.#lineCounter.linePos(offset).line}`;
  }
}

function isSection(path: string): boolean {
  return [...CONFIG_KEYS.keys()].some((key) => key.startsWith(`${path}.`));
}
