/** Fields whose wire name is more than snake case: epoch ms in code, ISO 8601 text on the wire (runtime/mqtt/wire-codec). */
interface TimeFields {
  atMs: "at";
  sinceMs: "since";
  createdAtMs: "created_at";
  trainedAtMs: "trained_at";
}

type SnakeCase<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${SnakeCase<Rest>}`
  : "";

type WireName<Name extends string> = Name extends keyof TimeFields ? TimeFields[Name] : SnakeCase<Name>;

/** What a payload of the contract looks like once it is JSON: names in snake case, times as text. */
export type Wire<T> = T extends readonly (infer Item)[]
  ? readonly Wire<Item>[]
  : T extends object
    ? { readonly [Name in keyof T & string as WireName<Name>]: Name extends keyof TimeFields ? string : Wire<T[Name]> }
    : T;

/** Longest text taken from a message; the contract's own are far shorter. */
const MAX_TEXT = 300;

/**
 * The fields of a message. Names are checked against the contract by the compiler; values are checked here, since a
 * device may be of another version than this page, and a broker carries what anybody sends.
 */
export class Fields<T> {
  readonly #values: Readonly<Record<string, unknown>>;

  private constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  /** Null when the text is not a JSON object. */
  static parse<T>(text: string): Fields<T> | null {
    try {
      return Fields.#of<T>(JSON.parse(text));
    } catch {
      return null;
    }
  }

  /** A finite number, or null. */
  number(name: keyof Wire<T> & string): number | null {
    const value = this.#values[name];
    return typeof value === "number" && Number.isFinite(value) ? value : null;
  }

  /** A text of reasonable length, or null. */
  text(name: keyof Wire<T> & string): string | null {
    const value = this.#values[name];
    return typeof value === "string" ? value.slice(0, MAX_TEXT) : null;
  }

  flag(name: keyof Wire<T> & string): boolean | null {
    const value = this.#values[name];
    return typeof value === "boolean" ? value : null;
  }

  /** Epoch ms of an ISO 8601 time, or null. */
  timeMs(name: keyof Wire<T> & string): number | null {
    const ms = Date.parse(this.text(name) ?? "");
    return Number.isNaN(ms) ? null : ms;
  }

  texts(name: keyof Wire<T> & string): readonly string[] {
    const value = this.#values[name];
    return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
  }

  /** An inner object, or null. */
  inner<Name extends keyof T & keyof Wire<T> & string>(name: Name): Fields<NonNullable<T[Name]>> | null {
    return Fields.#of<NonNullable<T[Name]>>(this.#values[name]);
  }

  /** A list of objects; whatever else is in it is left out. */
  list<Name extends keyof T & keyof Wire<T> & string>(
    name: Name,
  ): readonly Fields<T[Name] extends readonly (infer Item)[] ? Item : never>[] {
    const value = this.#values[name];
    if (!Array.isArray(value)) return [];
    return value.map((each) => Fields.#of<never>(each)).filter((each) => each !== null);
  }

  static #of<T>(value: unknown): Fields<T> | null {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
    return new Fields<T>({ ...value });
  }
}
