import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import { openDatabase } from "./database-opening.ts";
import { cleanFiles, removeTraces } from "./erasure.ts";
import { KeyRotation } from "./key-rotation.ts";
import { type DeviceKey, type KeyLocations, loadDeviceKey } from "./key-store.ts";
import { MIGRATIONS } from "./migrations.ts";
import type { ProfileFiles, SentenceEmbedder } from "./ports.ts";
import { SqliteProfileArchive } from "./profile-archive.ts";
import { SealedProfileFiles } from "./profile-files.ts";
import { readSetting, writeSetting } from "./profile-rows.ts";
import { ProfileVault } from "./profile-vault.ts";
import { DEFAULT_VECTOR_PARAMETERS } from "./profile-vector.ts";
import { RecallCache } from "./recall-cache.ts";
import { REDACT_EVERYTHING, type RedactionSwitches } from "./redaction.ts";
import { DEFAULT_SIGNAL_TABLE, type SignalTable } from "./satisfaction.ts";
import type { SqliteDatabase } from "./sqlite-database.ts";
import { SqliteProfileStore } from "./sqlite-profile-store.ts";

const DAY_MS = 24 * 3_600_000;

export interface OpenProfileStoreOptions {
  /** Path of the SQLite file; its folder must exist. */
  readonly databasePath: string;
  /** Folder of the fallback key file; must exist. */
  readonly keyDirectory: string;
  /** systemd's $CREDENTIALS_DIRECTORY; default: none. */
  readonly credentialsDirectory?: string | null;
  /** Borrowed. */
  readonly embedder: SentenceEmbedder;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default: design section 3. */
  readonly signalTable?: SignalTable;
  /** Half-life of an interaction's weight and of the frequency counts, days; default 30. */
  readonly halfLifeDays?: number;
  /** Temperature of the attention over context; default 0.5. */
  readonly tau?: number;
  /** Cosine from which a past exchange is worth showing; default: the embedder's own scale. */
  readonly minSimilarity?: number;
  /** What is cut out of texts before they are stored; default: everything. */
  readonly redaction?: RedactionSwitches;
  /** Newest interactions that retrieval reaches; default 2000 (about 2 MB of memory). */
  readonly recallLimit?: number;
}

/** The profiling layer, open. */
export interface OpenProfileStore extends AsyncDisposable {
  readonly store: SqliteProfileStore;
  readonly archive: SqliteProfileArchive;
  /** For files beside the database. */
  readonly files: ProfileFiles;
  /** Replaces keys while everything else goes on. */
  readonly keys: KeyRotation;
  /** For health checks, and to give back its memory. */
  readonly database: SqliteDatabase;
  /** Where the device key came from; `file` protects less (docs/privacy.md#keys). */
  readonly keySource: DeviceKey["source"];
  /** True when the last process did not close the database; it then passed its integrity check. */
  readonly wasUnclean: boolean;
  /** Forgets the keys in memory and closes the file. May be called twice. */
  close(): Promise<void>;
}

/**
 * Opens or creates the profile database: migrates it, checks it after an unclean stop, finishes an interrupted erasure.
 *
 * @throws AppError E_DB_UNAVAILABLE, E_DB_LOCKED (another asls has it open), E_DB_CORRUPT, E_DB_FROM_FUTURE, E_DISK_FULL,
 * E_KEY_INVALID, E_KEY_PERMISSIONS, E_KEY_MISMATCH (the key is not the one this database was made with).
 */
export async function openProfileStore(options: OpenProfileStoreOptions): Promise<OpenProfileStore> {
  const { embedder, clock, logger, signalTable = DEFAULT_SIGNAL_TABLE } = options;
  const halfLifeMs = (options.halfLifeDays ?? 30) * DAY_MS;
  const opened = await openDatabase({ path: options.databasePath, migrations: MIGRATIONS, logger });
  const { database } = opened;
  try {
    const deviceKey = await deviceKeyOf(database, options);
    const unfinished = await readSetting(database, "erasure_pending");
    if (unfinished !== undefined) await cleanFiles(database, unfinished);
    const vault = new ProfileVault(deviceKey);
    const limit = options.recallLimit ?? 2000;
    const recall = new RecallCache({ database, vault, embedder, signalTable, limit });
    const traces = () => removeTraces(database);
    const { redaction = REDACT_EVERYTHING } = options;
    const common = { database, vault, recall, clock, logger, redaction };
    const shared = { ...common, frequencyHalfLifeMs: halfLifeMs, removeTraces: traces };
    const store = new SqliteProfileStore({
      ...shared,
      embedder,
      vectorParameters: { ...DEFAULT_VECTOR_PARAMETERS, halfLifeMs, tau: options.tau ?? DEFAULT_VECTOR_PARAMETERS.tau },
      retrieval: {
        minSimilarity: options.minSimilarity ?? embedder.scale.related,
        halfLifeMs,
        dislikedBelow: -0.2,
        profileWeight: 0.05,
      },
    });
    const archive = new SqliteProfileArchive({ ...shared, signalTable });
    const files = new SealedProfileFiles(database, vault);
    const keys = new KeyRotation({ database, vault, locations: locationsOf(options), logger, removeTraces: traces });
    const close = async () => {
      await opened.close();
      vault.destroyAll();
    };
    const { wasUnclean } = opened;
    return {
      store,
      archive,
      files,
      keys,
      database,
      keySource: deviceKey.source,
      wasUnclean,
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

function locationsOf({ keyDirectory, credentialsDirectory = null }: OpenProfileStoreOptions): KeyLocations {
  return { keyDirectory, credentialsDirectory };
}

async function deviceKeyOf(database: SqliteDatabase, options: OpenProfileStoreOptions): Promise<DeviceKey> {
  const expected = await readSetting(database, "device_key");
  const key = await loadDeviceKey(locationsOf(options), expected ?? null);
  if (expected === undefined) {
    await database.transaction((handle) => writeSetting(handle, "device_key", key.fingerprint), { durable: true });
  }
  return key;
}
