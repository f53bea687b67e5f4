/** SQLite behind a port: promises, one writer at a time. */
export interface SqlDatabase extends AsyncDisposable {
  run(sql: string, params?: readonly SqlValue[]): Promise<{ changes: number; lastId: number }>;
  get<Row extends object>(sql: string, params?: readonly SqlValue[]): Promise<Row | undefined>;
  all<Row extends object>(sql: string, params?: readonly SqlValue[]): Promise<Row[]>;
  /** BEGIN IMMEDIATE .. COMMIT under the writer's mutex; rolled back when `work` rejects. Not nestable. */
  transaction<T>(work: (database: SqlTransaction) => Promise<T>): Promise<T>;
}

export type SqlTransaction = Pick<SqlDatabase, "run" | "get" | "all">;
export type SqlValue = string | number | bigint | Uint8Array | null;

/** Unit-length sentence vectors; cosine similarity is the dot product. */
export interface SentenceEmbedder {
  /** Names engine and version; vectors of different ids must not be compared. */
  readonly id: string;
  readonly dimensions: number;
  /** One Float32Array of `dimensions` per text, same order; an empty text gives the zero vector. */
  embed(texts: readonly string[]): Promise<Float32Array[]>;
}

export type ConsentPurpose = "store" | "train" | "telemetry";
/** How a consent change was given. Granting needs presence: `button` or `spoken`. */
export type ConsentOrigin = "button" | "spoken" | "cli" | "mqtt";
export type Modality = "voice" | "button" | "text";
export type Domain = "lights" | "climate" | "media" | "timers" | "home" | "facts" | "smalltalk" | "other";

export interface Profile {
  /** Random id, safe outside the database. */
  readonly id: string;
  readonly createdAtMs: number;
  readonly consent: Readonly<Record<ConsentPurpose, boolean>>;
}

export interface NewInteraction {
  readonly profileId: string;
  readonly atMs: number;
  readonly modality: Modality;
  readonly input: string;
  readonly answer: string;
  readonly domain: Domain;
  readonly context: InteractionContext;
}

export interface InteractionContext {
  /** Local hour 0..23 and weekday 0 (Sunday)..6. */
  readonly hour: number;
  readonly weekday: number;
  readonly boardState: string;
  readonly adapterVersion: string | null;
}

export interface Interaction extends NewInteraction {
  readonly id: string;
  readonly signals: readonly Signal[];
  /** Estimate s in [-1, 1] with confidence c in [0, 1] from the signals (design: signal table). */
  readonly satisfaction: { readonly estimate: number; readonly confidence: number };
}

export type SignalKind =
  | "thumb_up"
  | "thumb_down"
  | "praise"
  | "complaint"
  | "correction"
  | "rephrase"
  | "barge_in"
  | "stop"
  | "repeat_request"
  | "follow_up"
  | "task_done";

export interface Signal {
  readonly kind: SignalKind;
  readonly atMs: number;
  /** The target of a correction; user text. */
  readonly correction: string | null;
}

export type FactKind = "name" | "answer_length" | "unit" | "preference" | "health" | "other";

export interface Fact {
  readonly id: string;
  readonly kind: FactKind;
  /** What the prompt says, e.g. `The user's name is Sam.` User text. */
  readonly statement: string;
  /** Normalised value, e.g. `Sam`, `short`, `celsius`. User text. */
  readonly value: string;
  /** Interaction it came from, or null when typed in by the owner. */
  readonly interactionId: string | null;
  readonly updatedAtMs: number;
}

/** What the profile contributes to one prompt, already within its token budget; most stable first. */
export interface PromptContext {
  readonly facts: readonly Fact[];
  /** Best retrieved past exchanges, best first. */
  readonly exchanges: readonly { readonly input: string; readonly answer: string; readonly interactionId: string }[];
  /** Preferred answer length in words, from facts or style statistics; null when unknown. */
  readonly answerWords: number | null;
}

export interface PromptContextRequest {
  readonly profileId: string;
  readonly input: string;
  readonly nowMs: number;
  readonly factTokens: number;
  readonly exchangeTokens: number;
  readonly maxExchanges: number;
  countTokens(text: string): number;
}

export type StoreOutcome =
  | { readonly kind: "stored"; readonly interactionId: string }
  | { readonly kind: "declined"; readonly reason: "no_consent" | "guest" };

/** The profiling layer as the dialog sees it. Guest turns are those without a profile id and never reach it. */
export interface ProfileStore {
  /** The active profile; created empty, with every consent off, on first use. */
  active(): Promise<Profile>;
  setConsent(profileId: string, purpose: ConsentPurpose, granted: boolean, origin: ConsentOrigin): Promise<void>;
  record(interaction: NewInteraction): Promise<StoreOutcome>;
  addSignal(interactionId: string, signal: Signal): Promise<void>;
  /** Remembers or replaces a fact of that kind/value; declined without `store` consent. */
  learnFact(
    profileId: string,
    fact: Pick<Fact, "kind" | "statement" | "value" | "interactionId">,
  ): Promise<
    { readonly kind: "stored"; readonly factId: string } | { readonly kind: "declined"; readonly reason: "no_consent" }
  >;
  promptContext(request: PromptContextRequest): Promise<PromptContext>;
}
