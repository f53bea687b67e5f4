/** One step of the schema: run in one transaction, forward only, then `user_version` becomes `version`. */
export interface Migration {
  readonly version: number;
  /** One SQL statement each. */
  readonly statements: readonly string[];
}

/**
 * The schema, oldest step first. Columns named `sealed_*` hold AES-256-GCM envelopes (src/profile/envelope.ts); nothing
 * that a person said, wrote or was told stands anywhere else.
 */
export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    statements: [
      `CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID`,
      `CREATE TABLE profiles (
         id TEXT PRIMARY KEY,
         created_at_ms INTEGER NOT NULL,
         wrapped_key BLOB NOT NULL,
         sealed_label BLOB,
         sealed_statistics BLOB
       ) STRICT`,
      // No foreign key: the ledger outlives a forgotten profile as evidence, and holds nothing but a random id.
      `CREATE TABLE consent_ledger (
         sequence INTEGER PRIMARY KEY AUTOINCREMENT,
         profile_id TEXT NOT NULL,
         at_ms INTEGER NOT NULL,
         purpose TEXT NOT NULL CHECK (purpose IN ('store', 'train', 'telemetry')),
         granted INTEGER NOT NULL CHECK (granted IN (0, 1)),
         origin TEXT NOT NULL CHECK (origin IN ('button', 'spoken', 'cli', 'mqtt', 'forget'))
       ) STRICT`,
      `CREATE INDEX consent_by_profile ON consent_ledger (profile_id, purpose, sequence)`,
      `CREATE TRIGGER consent_ledger_no_update BEFORE UPDATE ON consent_ledger
         BEGIN SELECT RAISE(ABORT, 'the consent ledger is append-only'); END`,
      `CREATE TRIGGER consent_ledger_no_delete BEFORE DELETE ON consent_ledger
         BEGIN SELECT RAISE(ABORT, 'the consent ledger is append-only'); END`,
      `CREATE TABLE interactions (
         id TEXT PRIMARY KEY,
         sequence INTEGER NOT NULL UNIQUE,
         profile_id TEXT NOT NULL REFERENCES profiles (id) ON DELETE CASCADE,
         at_ms INTEGER NOT NULL,
         modality TEXT NOT NULL CHECK (modality IN ('voice', 'button', 'text')),
         domain TEXT NOT NULL,
         hour INTEGER NOT NULL CHECK (hour BETWEEN 0 AND 23),
         weekday INTEGER NOT NULL CHECK (weekday BETWEEN 0 AND 6),
         board_state TEXT NOT NULL,
         adapter_version TEXT,
         answer_words INTEGER NOT NULL,
         embedder_id TEXT NOT NULL,
         sealed_input BLOB NOT NULL,
         sealed_answer BLOB NOT NULL,
         sealed_vector BLOB NOT NULL
       ) STRICT, WITHOUT ROWID`,
      `CREATE INDEX interactions_by_time ON interactions (profile_id, sequence)`,
      `CREATE TABLE signals (
         id TEXT PRIMARY KEY,
         interaction_id TEXT NOT NULL REFERENCES interactions (id) ON DELETE CASCADE,
         at_ms INTEGER NOT NULL,
         kind TEXT NOT NULL,
         sealed_correction BLOB
       ) STRICT, WITHOUT ROWID`,
      `CREATE INDEX signals_by_interaction ON signals (interaction_id, at_ms)`,
      `CREATE TABLE facts (
         id TEXT PRIMARY KEY,
         profile_id TEXT NOT NULL REFERENCES profiles (id) ON DELETE CASCADE,
         interaction_id TEXT REFERENCES interactions (id) ON DELETE CASCADE,
         updated_at_ms INTEGER NOT NULL,
         sealed_fact BLOB NOT NULL
       ) STRICT, WITHOUT ROWID`,
      `CREATE INDEX facts_by_profile ON facts (profile_id, updated_at_ms)`,
      `CREATE INDEX facts_by_interaction ON facts (interaction_id)`,
    ],
  },
  {
    version: 2,
    statements: [
      // The ledger anew: SQLite cannot widen a CHECK. Dropping a table fires no triggers.
      `DROP INDEX consent_by_profile`,
      `DROP TRIGGER consent_ledger_no_update`,
      `DROP TRIGGER consent_ledger_no_delete`,
      `ALTER TABLE consent_ledger RENAME TO consent_ledger_1`,
      `CREATE TABLE consent_ledger (
         sequence INTEGER PRIMARY KEY AUTOINCREMENT,
         profile_id TEXT NOT NULL,
         at_ms INTEGER NOT NULL,
         purpose TEXT NOT NULL CHECK (purpose IN ('answer', 'store', 'train', 'telemetry', 'speaker', 'camera')),
         granted INTEGER NOT NULL CHECK (granted IN (0, 1)),
         origin TEXT NOT NULL CHECK (origin IN ('button', 'spoken', 'cli', 'mqtt', 'dashboard', 'forget')),
         wording_version INTEGER
       ) STRICT`,
      `INSERT INTO consent_ledger (sequence, profile_id, at_ms, purpose, granted, origin)
         SELECT sequence, profile_id, at_ms, purpose, granted, origin FROM consent_ledger_1 ORDER BY sequence`,
      `DROP TABLE consent_ledger_1`,
      `CREATE INDEX consent_by_profile ON consent_ledger (profile_id, purpose, sequence)`,
      `CREATE TRIGGER consent_ledger_no_update BEFORE UPDATE ON consent_ledger
         BEGIN SELECT RAISE(ABORT, 'the consent ledger is append-only'); END`,
      `CREATE TRIGGER consent_ledger_no_delete BEFORE DELETE ON consent_ledger
         BEGIN SELECT RAISE(ABORT, 'the consent ledger is append-only'); END`,
      // Version of the words under which the person was last asked; null = never asked.
      `ALTER TABLE profiles ADD COLUMN asked_wording INTEGER`,
      // Keys are replaced while the old one still opens what is not sealed anew yet (key-rotation.ts).
      `ALTER TABLE profiles ADD COLUMN key_generation INTEGER NOT NULL DEFAULT 0`,
      `ALTER TABLE profiles ADD COLUMN previous_wrapped_key BLOB`,
      // Days after which interactions are deleted; null = as configured.
      `ALTER TABLE profiles ADD COLUMN retention_days INTEGER`,
      `ALTER TABLE profiles ADD COLUMN sealed_voice_print BLOB`,
      `ALTER TABLE profiles ADD COLUMN voice_print_model TEXT`,
    ],
  },
];
