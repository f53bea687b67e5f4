import type { ConfigSource } from "./config-layer.ts";
import type { LoadedConfig } from "./load-config.ts";
import { CONFIG_KEYS } from "./schema.ts";

export interface DescribedKey {
  readonly key: string;
  /** "(hidden)" for a sensitive key that is set. */
  readonly value: unknown;
  readonly source: ConfigSource;
}

/** Every key with its value and where that came from, in document order; safe to show. */
export function describeConfig({ config, sources }: LoadedConfig): readonly DescribedKey[] {
  return [...CONFIG_KEYS].map(([key, { sensitive }]) => {
    const value = valueAt(config, key);
    return {
      key,
      value: sensitive && value !== "" ? "(hidden)" : value,
      source: sources.get(key) ?? { layer: "default", where: "default" },
    };
  });
}

/** One line per key: `key = value` and the source as a comment. */
export function configText(described: readonly DescribedKey[]): string {
  const lines = described.map(({ key, value, source }) => [`${key} = ${JSON.stringify(value)}`, source.where] as const);
  const width = Math.min(60, Math.max(...lines.map(([left]) => left.length)));
  return lines.map(([left, where]) => `${left.padEnd(width)}  # ${where}`).join("\n");
}

function valueAt(config: object, path: string): unknown {
  return path.split(".").reduce<unknown>((node, name) => {
    return typeof node === "object" && node !== null
      ? Object.entries(node).find(([key]) => key === name)?.[1]
      : undefined;
  }, config);
}
