/** What every key says about itself; feeds validation, `asls config print` and docs/configuration.md. */
export interface KeyInfo<T> {
  readonly default: T;
  /** One or two sentences: what it does, unit, what the special value means. */
  readonly doc: string;
  /** Never shown by `asls config print`, errors or docs. */
  readonly sensitive?: boolean;
}

/** One leaf of the schema: how its value is checked, and how text (environment, `--set`) becomes a value. */
export class ConfigKey<T> {
  readonly default: T;
  readonly doc: string;
  readonly sensitive: boolean;
  /** Accepted values in words, e.g. `whole number, 0 to 60000`. */
  readonly accepts: string;
  /** True for file system paths, which are made absolute relative to where they were written. */
  readonly isPath: boolean;
  readonly #isValid: (value: unknown) => boolean;
  readonly #parse: (text: string) => unknown;

  constructor(
    info: KeyInfo<T>,
    rules: { accepts: string; isPath?: boolean; isValid(value: unknown): boolean; parse(text: string): unknown },
  ) {
    this.default = info.default;
    this.doc = info.doc;
    this.sensitive = info.sensitive ?? false;
    this.accepts = rules.accepts;
    this.isPath = rules.isPath ?? false;
    this.#isValid = rules.isValid;
    this.#parse = rules.parse;
  }

  accepted(value: unknown): boolean {
    return this.#isValid(value);
  }

  /** The value that text stands for; text that stands for none comes back as it is and fails `accepted`. */
  fromText(text: string): unknown {
    return this.#parse(text);
  }
}

export interface ConfigTree {
  readonly [name: string]: ConfigKey<unknown> | ConfigTree;
}

/** The plain object that a tree of keys describes. */
export type ConfigOf<Tree> =
  Tree extends ConfigKey<infer Value> ? Value : { readonly [Name in keyof Tree]: ConfigOf<Tree[Name]> };

interface Range {
  readonly min: number;
  readonly max: number;
}

const decimal = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;
const toNumber = (text: string): unknown => (decimal.test(text.trim()) ? Number(text) : text);

/** A whole number within the range, both ends included. */
export function integer(info: KeyInfo<number> & Range): ConfigKey<number> {
  return new ConfigKey(info, {
    accepts: `whole number, ${info.min} to ${info.max}`,
    isValid: (value) => Number.isSafeInteger(value) && within(value, info),
    parse: toNumber,
  });
}

/** As {@link integer}, or null (`none` in the environment and on the command line). */
export function integerOrNone(info: KeyInfo<number | null> & Range): ConfigKey<number | null> {
  return new ConfigKey(info, {
    accepts: `whole number, ${info.min} to ${info.max}, or null for none`,
    isValid: (value) => value === null || (Number.isSafeInteger(value) && within(value, info)),
    parse: (text) => (text === "none" || text === "null" ? null : toNumber(text)),
  });
}

/** A number within the range, both ends included. */
export function decimalNumber(info: KeyInfo<number> & Range): ConfigKey<number> {
  return new ConfigKey(info, {
    accepts: `number, ${info.min} to ${info.max}`,
    isValid: (value) => within(value, info),
    parse: toNumber,
  });
}

/** true or false; text may also say yes, no, on, off, 1 or 0. */
export function yesNo(info: KeyInfo<boolean>): ConfigKey<boolean> {
  return new ConfigKey(info, {
    accepts: "true or false",
    isValid: (value) => typeof value === "boolean",
    parse: (text) => {
      const word = text.trim().toLowerCase();
      if (["true", "yes", "on", "1"].includes(word)) return true;
      return ["false", "no", "off", "0"].includes(word) ? false : text;
    },
  });
}

/** One of a closed list of words. */
export function oneOf<const Word extends string>(
  words: readonly Word[],
  info: KeyInfo<NoInfer<Word>>,
): ConfigKey<Word> {
  return new ConfigKey<Word>(info, {
    accepts: words.join(", "),
    isValid: (value) => words.some((word) => word === value),
    parse: (text) => text,
  });
}

/** As {@link oneOf}, or false (`false`, `off` or `none` in text). */
export function oneOfOrOff<const Word extends string>(
  words: readonly Word[],
  info: KeyInfo<NoInfer<Word> | false>,
): ConfigKey<Word | false> {
  return new ConfigKey<Word | false>(info, {
    accepts: ["false", ...words].join(", "),
    isValid: (value) => value === false || words.some((word) => word === value),
    parse: (word) => (["false", "off", "none"].includes(word) ? false : word),
  });
}

/** Text of at most 500 characters without control characters; `pattern` narrows it and `accepts` says how in words. */
export function text(info: KeyInfo<string> & { pattern?: RegExp; accepts?: string }): ConfigKey<string> {
  return new ConfigKey(info, {
    accepts: info.accepts ?? "text",
    isValid: (value) =>
      typeof value === "string" && value.length <= 500 && !/\p{Cc}/u.test(value) && (info.pattern?.test(value) ?? true),
    parse: (value) => value,
  });
}

/** A file or folder; "" where the doc gives that a meaning. Relative paths start at the file or folder they are written in. */
export function path(info: KeyInfo<string>): ConfigKey<string> {
  return new ConfigKey(info, {
    accepts: "path",
    isPath: true,
    isValid: (value) => typeof value === "string" && value.length <= 4096 && !value.includes("\0"),
    parse: (value) => value,
  });
}

/** A URL with one of these schemes and without a user name or password in it; "" where the doc gives that a meaning. */
export function url(schemes: readonly string[], info: KeyInfo<string>): ConfigKey<string> {
  return new ConfigKey(info, {
    accepts: `${schemes.map((scheme) => `${scheme}://`).join(", ")} URL without a password in it`,
    isValid: (value) => typeof value === "string" && (value === "" || isPlainUrl(value, schemes)),
    parse: (value) => value,
  });
}

function within(value: unknown, { min, max }: Range): boolean {
  return typeof value === "number" && value >= min && value <= max;
}

function isPlainUrl(value: string, schemes: readonly string[]): boolean {
  if (!URL.canParse(value)) return false;
  const parsed = new URL(value);
  return (
    schemes.includes(parsed.protocol.slice(0, -1)) &&
    parsed.hostname !== "" &&
    parsed.username === "" &&
    parsed.password === ""
  );
}
