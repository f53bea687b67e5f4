/** SQLite behind a port: promises, one writer at a time. */
export interface SqlDatabase extends AsyncDisposable {
  run(sql: string, params?: readonly SqlValue[]): Promise<{ changes: number; lastId: number }>;
  get<Row extends object>(sql: string, params?: readonly SqlValue[]): Promise<Row | undefined>;
  all<Row extends object>(sql: string, params?: readonly SqlValue[]): Promise<Row[]>;
  /**
   * BEGIN IMMEDIATE .. COMMIT under the writer's mutex; rolled back when `work` rejects. Inside `work` only its handle
   * may be used: the database itself, or a nested transaction, rejects with E_INTERNAL.
   */
  transaction<T>(work: (database: SqlTransaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
}

export interface TransactionOptions {
  /** True = on disk before it resolves, also through a power cut (consent, erasure). Default false: never torn, but the
   * newest transactions may be lost with the power. */
  readonly durable?: boolean;
}

export type SqlTransaction = Pick<SqlDatabase, "run" | "get" | "all">;
export type SqlValue = string | number | bigint | Uint8Array | null;

/** Unit-length sentence vectors; cosine similarity is the dot product. */
export interface SentenceEmbedder {
  /** Names engine and version; vectors of different ids must not be compared. */
  readonly id: string;
  readonly dimensions: number;
  /** Cosines that mean something with these vectors; another engine has other ones. */
  readonly scale: SimilarityScale;
  /** One Float32Array of `dimensions` per text, same order; an empty text gives the zero vector. */
  embed(texts: readonly string[]): Promise<Float32Array[]>;
}

export interface SimilarityScale {
  /** From here on two sentences are about the same thing. */
  readonly related: number;
  /** From here on they ask for the same in other words. */
  readonly rephrased: number;
}

/** `answer` stands until it is withdrawn, every other purpose is off until it is granted. */
export const CONSENT_PURPOSES = ["answer", "store", "train", "telemetry", "speaker"] as const;
export type ConsentPurpose = (typeof CONSENT_PURPOSES)[number];
/** How a consent change was given. Granting needs presence: `button` or `spoken`. */
export type ConsentOrigin = "button" | "spoken" | "cli" | "mqtt" | "dashboard";
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

/** What "forget ..." is about: a kind of fact, or content words that a fact must share. */
export type FactTopic =
  | { readonly kind: FactKind; readonly words: null }
  | { readonly kind: null; readonly words: readonly string[] };

/** What the profile contributes to one prompt, already within its token budget; most stable first. */
export interface PromptContext {
  readonly facts: readonly Fact[];
  /** Best retrieved past exchanges, best first. */
  readonly exchanges: readonly { readonly input: string; readonly answer: string; readonly interactionId: string }[];
  /** Preferred answer length in words, from facts or style statistics; null when unknown. */
  readonly answerWords: number | null;
  /** Ids of the stored exchanges that an answer may take up; absent = none. */
  readonly exchangeIds?: ReadonlySet<string>;
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

export type SignalOutcome =
  | { readonly kind: "stored" }
  | { readonly kind: "declined"; readonly reason: "no_consent" | "unknown_interaction" };

/** The profiling layer as the dialog sees it. Guest turns are those without a profile id and never reach it. */
export interface ProfileStore {
  /** The active profile; created empty, with every consent off, on first use. */
  active(): Promise<Profile>;
  setConsent(profileId: string, purpose: ConsentPurpose, granted: boolean, origin: ConsentOrigin): Promise<void>;
  /** Whether this person is still to be asked: never asked nor decided, or granted something under older words. */
  isConsentDue(profileId: string): Promise<boolean>;
  /** Asked under the present words; it is not asked again by itself, whatever the answer. */
  noteConsentAsked(profileId: string): Promise<void>;
  record(interaction: NewInteraction): Promise<StoreOutcome>;
  /** Declined once `store` was withdrawn, and for an interaction that is gone (or never was stored). */
  addSignal(interactionId: string, signal: Signal): Promise<SignalOutcome>;
  /** Remembers or replaces a fact of that kind/value; declined without `store` consent. */
  learnFact(
    profileId: string,
    fact: Pick<Fact, "kind" | "statement" | "value" | "interactionId">,
  ): Promise<
    { readonly kind: "stored"; readonly factId: string } | { readonly kind: "declined"; readonly reason: "no_consent" }
  >;
  /** "Forget that ...": deletes the facts it is about; returns how many. Needs no consent. */
  forgetFacts(profileId: string, topic: FactTopic): Promise<number>;
  /** Empty without `store` consent: what was stored before a withdrawal is not used either. */
  promptContext(request: PromptContextRequest): Promise<PromptContext>;
}

/** Whether a guest is speaking, so that a restart does not take a guest for the owner. */
export interface GuestRecord {
  /** Wall clock ms; null = no guest. */
  guestSince(): Promise<number | null>;
  setGuestSince(sinceMs: number | null): Promise<void>;
}

/** Voice prints of those who gave the `speaker` consent. Withdrawing it deletes the print. */
export interface VoiceRecord {
  /** Whose voice it is; null without consent, without a print of that model, or before it was heard often enough. */
  compareVoice(
    profileId: string,
    model: string,
    print: Float32Array,
    threshold: number,
  ): Promise<"owner" | "stranger" | null>;
  /** One more utterance of this person; false without consent. */
  learnVoice(profileId: string, model: string, print: Float32Array): Promise<boolean>;
}

/** A profile as its owner sees it in a list. */
export interface ProfileListing extends Profile {
  /** The owner's name for it, or null; user text. */
  readonly label: string | null;
  readonly isActive: boolean;
  readonly interactionCount: number;
  readonly factCount: number;
  /** Days that interactions are kept; null = as configured, 0 = for good. */
  readonly retentionDays: number | null;
}

/** Everything known about a profile, in figures and facts. */
export interface ProfileSummary extends ProfileListing {
  readonly facts: readonly Fact[];
  readonly signalCounts: Readonly<Partial<Record<SignalKind, number>>>;
  /** Decayed counts (half-life: configuration) as of now. */
  readonly domains: Readonly<Partial<Record<Domain, number>>>;
  readonly hours: readonly number[];
  readonly style: Readonly<
    Record<string, { readonly mean: number; readonly variance: number; readonly count: number }>
  >;
  readonly answerWords: number | null;
  readonly consentHistory: readonly ConsentEntry[];
}

export interface ConsentEntry {
  readonly atMs: number;
  readonly purpose: ConsentPurpose;
  readonly granted: boolean;
  /** `forget`: withdrawn because the profile was erased. */
  readonly origin: ConsentOrigin | "forget";
  /** Version of the words in force (consent-wording.ts); null for a change of before they had one. */
  readonly wordingVersion: number | null;
}

/** What deleting one interaction took with it. */
export interface DeletionReceipt {
  readonly interactions: number;
  readonly signals: number;
  readonly facts: number;
}

/** Proof of an erasure; holds no user text. */
export interface ForgetReceipt {
  readonly profileId: string;
  readonly atMs: number;
  /** Rows deleted: interactions, signals, facts and the profile with its key. */
  readonly rows: number;
  /** Files rewritten, emptied or removed: database, WAL, backups. */
  readonly files: number;
  /** True when afterwards no row of the profile, no free page, no WAL content and no backup was left. */
  readonly verified: boolean;
}

export type FactEdit =
  | { readonly kind: "stored" }
  | { readonly kind: "declined"; readonly reason: "no_consent" | "unknown_fact" };

/** The owner's side of the profile: look at it, correct it, take it along, erase it. */
export interface ProfileArchive {
  list(): Promise<ProfileListing[]>;
  /** A new profile, every consent off. @param label user text, or null. */
  create(label: string | null): Promise<Profile>;
  /** Makes it the active one. @throws AppError E_PROFILE_UNKNOWN. */
  select(profileId: string): Promise<void>;
  /** @throws AppError E_PROFILE_UNKNOWN. */
  summary(profileId: string): Promise<ProfileSummary>;
  /** The newest `limit` interactions (default: all) with their signals, oldest first. */
  interactions(profileId: string, limit?: number): Promise<Interaction[]>;
  /** The ids of all, oldest first: nothing is decrypted for them. */
  interactionIds(profileId: string): Promise<string[]>;
  /** How many of the newest `limit` interactions are not among `known`. */
  interactionsOutside(profileId: string, known: readonly string[], limit: number): Promise<number>;
  facts(profileId: string): Promise<Fact[]>;
  editFact(factId: string, change: Pick<Fact, "statement" | "value">): Promise<FactEdit>;
  /** False when there is no such fact. */
  deleteFact(factId: string): Promise<boolean>;
  /** With its signals and the facts learned from it. Null when there is no such interaction. */
  deleteInteraction(interactionId: string): Promise<DeletionReceipt | null>;
  /**
   * Deletes every interaction from before `beforeMs` as {@link deleteInteraction} would, all in one step.
   * @returns their ids, and what went with them.
   */
  deleteBefore(profileId: string, beforeMs: number): Promise<DeletionReceipt & { readonly ids: readonly string[] }>;
  /** Time of the oldest interaction; null = there is none. */
  oldestMs(profileId: string): Promise<number | null>;
  /** How long interactions are kept, days: null = as configured, 0 = for good. @throws AppError E_PROFILE_UNKNOWN. */
  setRetention(profileId: string, days: number | null): Promise<void>;
  /** Everything stored, as plain JSON-able data. @throws AppError E_PROFILE_UNKNOWN. */
  export(profileId: string): Promise<ProfileExport>;
  /** Destroys the key, deletes every row and rewrites the files. @throws AppError E_PROFILE_UNKNOWN. */
  forget(profileId: string): Promise<ForgetReceipt>;
}

/** Seals what is kept of a profile in files beside the database, with the profile's own key. */
export interface ProfileFiles {
  /**
   * @param name what the bytes are; an envelope opens under the same name only.
   * @throws AppError E_PROFILE_UNKNOWN.
   */
  seal(profileId: string, name: string, bytes: Uint8Array): Promise<Uint8Array>;
  /** @throws AppError E_PROFILE_UNKNOWN, E_KEY_MISMATCH (another profile or name, changed bytes), E_DB_FROM_FUTURE. */
  open(profileId: string, name: string, envelope: Uint8Array): Promise<Uint8Array>;
  /** The same bytes under the profile's present key; null when that has sealed them already. @throws as {@link open}. */
  reseal(profileId: string, name: string, envelope: Uint8Array): Promise<Uint8Array | null>;
}

/** Versioned, so that an import can be written later. */
export interface ProfileExport {
  readonly format: "asls-profile";
  readonly version: 2;
  readonly exportedAtMs: number;
  readonly profile: ProfileSummary;
  readonly interactions: readonly Interaction[];
}
