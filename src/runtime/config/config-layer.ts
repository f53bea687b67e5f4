import type { ConfigProblem } from "./config-error.ts";
import { nearestWord } from "./nearest-word.ts";
import { CONFIG_KEYS, CONFIG_SECTIONS, envNameOf } from "./schema.ts";

export type LayerKind = "default" | "board profile" | "file" | "environment" | "command line" | "derived";

/** Where a value came from; `where` is as a user would look it up. */
export interface ConfigSource {
  readonly layer: LayerKind;
  readonly where: string;
}

/** One value that a layer sets. `baseDir` is where its relative path starts. */
export interface LayerEntry {
  readonly key: string;
  readonly value: unknown;
  readonly source: ConfigSource;
  readonly baseDir: string;
}

/** What a layer holds and what is wrong with it. */
export interface ConfigLayer {
  readonly entries: readonly LayerEntry[];
  readonly problems: readonly ConfigProblem[];
  /** Odd but harmless. */
  readonly warnings: readonly string[];
}

/** Values of the environment variables that name a key; other `ASLS_` variables give a warning. */
export function environmentLayer(env: Readonly<Record<string, string | undefined>>, baseDir: string): ConfigLayer {
  const known = new Map([...CONFIG_KEYS.keys()].map((key) => [envNameOf(key), key]));
  const entries: LayerEntry[] = [];
  const warnings: string[] = [];
  for (const [name, text] of Object.entries(env)) {
    if (text === undefined || !name.startsWith("ASLS_")) continue;
    const key = known.get(name);
    if (key !== undefined) {
      const source: ConfigSource = { layer: "environment", where: `environment ${name}` };
      entries.push({ key, value: CONFIG_KEYS.get(key)?.fromText(text), source, baseDir });
    } else if (!name.startsWith("ASLS_TEST_")) {
      const nearest = nearestWord(name, known.keys());
      warnings.push(`${name} is no configuration key${nearest === null ? "" : `; did you mean ${nearest}?`}`);
    }
  }
  return { entries, problems: [], warnings };
}

/** Values of `--set key=value` arguments; a later one wins. */
export function commandLineLayer(overrides: readonly string[], baseDir: string): ConfigLayer {
  const entries: LayerEntry[] = [];
  const problems: ConfigProblem[] = [];
  for (const override of overrides) {
    const equals = override.indexOf("=");
    const key = equals < 0 ? override : override.slice(0, equals);
    const where = `--set ${key}`;
    const known = CONFIG_KEYS.get(key);
    if (known === undefined) problems.push({ where, key, message: unknownKeyMessage(key) });
    else if (equals < 0) problems.push({ where, key, message: "has no value: write --set key=value" });
    else {
      const value = known.fromText(override.slice(equals + 1));
      entries.push({ key, value, source: { layer: "command line", where }, baseDir });
    }
  }
  return { entries, problems, warnings: [] };
}

/** What to say of a key that no section has, with the nearest one that exists. */
export function unknownKeyMessage(key: string): string {
  const nearest = nearestWord(key, [...Object.keys(CONFIG_SECTIONS), ...CONFIG_KEYS.keys()]);
  return nearest === null ? "is unknown" : `is unknown; did you mean ${nearest}?`;
}
