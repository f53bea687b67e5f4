import { createHash } from "node:crypto";
import { access, constants } from "node:fs/promises";
import { join, resolve } from "node:path";
import { AppError } from "../../core/errors.ts";
import { boardProfile, detectBoard } from "./board-profiles.ts";
import { ConfigError, type ConfigProblem } from "./config-error.ts";
import {
  type ConfigLayer,
  type ConfigSource,
  commandLineLayer,
  environmentLayer,
  type LayerEntry,
} from "./config-layer.ts";
import { crossProblems } from "./cross-checks.ts";
import { type AslsConfig, CONFIG_KEYS, newConvict } from "./schema.ts";
import { BOARD_NAMES, type BoardName } from "./sections/board.ts";
import { fileLayers } from "./yaml-layer.ts";

export interface LoadConfigOptions {
  /** `key=value` of each `--set`, in order; a later one wins. */
  readonly overrides?: readonly string[];
  /** Normally process.env. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly fileRoots?: {
    /** Default for paths.configDir; normally /etc/asls. */
    readonly configDir?: string;
    /** Where the device tree's `model` file is; normally /sys/firmware/devicetree/base. */
    readonly firmwareDir?: string;
    /** Where relative paths of environment and command line start; normally the current folder. */
    readonly workingDir?: string;
  };
}

export interface LoadedConfig {
  /** Deep-frozen plain data. */
  readonly config: AslsConfig;
  /** Where each key's value came from, by dotted path; every key is there. */
  readonly sources: ReadonlyMap<string, ConfigSource>;
  /** Odd but harmless; log them. No values of sensitive keys. */
  readonly warnings: readonly string[];
  readonly board: { readonly name: BoardName; readonly model: string | null };
  /** 12 hex digits over every value that is not sensitive; tells two configurations apart. */
  readonly hash: string;
}

/**
 * Reads, merges and checks the configuration: default < board profile < asls.yaml < conf.d/*.yaml by name <
 * environment < `--set`. Every layer is checked, also values that a later layer replaces.
 *
 * @throws ConfigError (E_CONFIG_INVALID) listing every problem with its place.
 */
export async function loadConfig(options: LoadConfigOptions): Promise<LoadedConfig> {
  const workingDir = options.fileRoots?.workingDir ?? process.cwd();
  const outer = [environmentLayer(options.env, workingDir), commandLineLayer(options.overrides ?? [], workingDir)];
  const configDir = chosenConfigDir(outer, options.fileRoots?.configDir);
  const files = (await fileLayers(configDir.value)).map(withoutConfigDir);
  const written = [...files, ...outer];
  const problems: ConfigProblem[] = written.flatMap((layer) => [...layer.problems]);
  const entries = written.flatMap((layer) => [...layer.entries]);
  problems.push(...valueProblems(entries));
  const valid = entries.filter((entry) => CONFIG_KEYS.get(entry.key)?.accepted(entry.value));

  const detected = await detectBoard(options.fileRoots?.firmwareDir ?? "/sys/firmware/devicetree/base");
  const chosen = valid.findLast((entry) => entry.key === "board.profile")?.value;
  const board = BOARD_NAMES.find((name) => name === chosen) ?? detected.name;
  const boardSource: ConfigSource = { layer: "board profile", where: `board profile ${board}` };
  const fromBoard = boardProfile(board, options.env).map((entry) => ({ ...entry, source: boardSource, baseDir: "/" }));

  const merged = new MergedConfig();
  for (const entry of [...fromBoard, ...valid, configDir]) merged.set(entry);
  await deriveDefaults(merged, options.env);
  const config = merged.plain();
  const faulty = new Set(problems.map(({ key }) => key));
  const crossed = crossProblems(config).filter(({ keys }) => !keys.some((key) => faulty.has(key)));
  problems.push(...merged.located(crossed), ...(await unreadableSecrets(config, merged)));
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    config: deepFreeze(config),
    sources: merged.sources,
    warnings: written.flatMap((layer) => [...layer.warnings]),
    board: { name: board, model: board === "virtual" ? null : detected.model },
    hash: hashOf(merged),
  };
}

/** The values of all layers in one convict instance, with the source of each. */
class MergedConfig {
  readonly sources = new Map<string, ConfigSource>();
  readonly #convict = newConvict();

  constructor() {
    for (const key of CONFIG_KEYS.keys()) this.sources.set(key, { layer: "default", where: "default" });
  }

  get(key: string): unknown {
    return this.#convict.get(key);
  }

  set({ key, value, source, baseDir }: LayerEntry): void {
    const isPath = CONFIG_KEYS.get(key)?.isPath === true && typeof value === "string" && value !== "";
    this.#convict.set(key, isPath ? resolve(baseDir, String(value)) : value);
    this.sources.set(key, source);
  }

  /** @throws AppError E_INTERNAL when convict finds what our own checks let through: a defect. */
  plain(): AslsConfig {
    try {
      this.#convict.validate({ allowed: "strict" });
    } catch (error) {
      throw new AppError("E_INTERNAL", "the merged configuration does not fit its schema", { cause: error });
    }
    // Strict validation against CONFIG_SECTIONS, from which AslsConfig is derived, has just passed.
    return this.#convict.getProperties() as AslsConfig;
  }

  located(problems: ReturnType<typeof crossProblems>): ConfigProblem[] {
    return problems.map(({ keys, message }) => {
      const places = keys.map((key) => this.sources.get(key)).filter((source) => source !== undefined);
      const written = places.filter((source) => source.layer !== "default" && source.layer !== "board profile");
      const where = new Set((written.length > 0 ? written : places).map((source) => source.where));
      return { where: [...where].join(", "), key: keys[0], message };
    });
  }
}

/** paths.configDir decides which files are read, so only layers outside the files can set it. */
function chosenConfigDir(outer: readonly ConfigLayer[], injected: string | undefined): LayerEntry & { value: string } {
  const key = "paths.configDir";
  const chosen = outer.flatMap((layer) => [...layer.entries]).findLast((entry) => entry.key === key);
  if (typeof chosen?.value === "string" && chosen.value !== "") {
    return { ...chosen, value: resolve(chosen.baseDir, chosen.value) };
  }
  const value = injected ?? String(CONFIG_KEYS.get(key)?.default);
  return { key, value, source: { layer: "default", where: "default" }, baseDir: "/" };
}

function withoutConfigDir(layer: ConfigLayer): ConfigLayer {
  const misplaced = layer.entries.filter((entry) => entry.key === "paths.configDir");
  const message = "cannot be set in a file: use ASLS_PATHS_CONFIG_DIR or --set";
  return {
    ...layer,
    entries: layer.entries.filter((entry) => !misplaced.includes(entry)),
    problems: [...layer.problems, ...misplaced.map(({ key, source }) => ({ where: source.where, key, message }))],
  };
}

function valueProblems(entries: readonly LayerEntry[]): ConfigProblem[] {
  return entries.flatMap(({ key, value, source }) => {
    const known = CONFIG_KEYS.get(key);
    if (known === undefined || known.accepted(value)) return [];
    const shown = known.sensitive ? "" : `, not ${shortForm(value)}`;
    return [{ where: source.where, key, message: `must be ${known.accepts}${shown}` }];
  });
}

function shortForm(value: unknown): string {
  const json = (JSON.stringify(value) ?? String(value)).replace(/:\/\/[^/]*@/g, "://(hidden)@");
  return json.length > 60 ? `${json.slice(0, 57)}...` : json;
}

/** Keys whose empty default stands for a place that depends on others. */
async function deriveDefaults(merged: MergedConfig, env: Readonly<Record<string, string | undefined>>): Promise<void> {
  const inside = (key: string, folder: string) => {
    if (merged.get(key) !== "") return;
    const value = join(String(merged.get("paths.stateDir")), folder);
    merged.set({ key, value, source: { layer: "derived", where: "inside paths.stateDir" }, baseDir: "/" });
  };
  inside("paths.modelsDir", "models");
  inside("output.wavDir", "spoken");
  const credentials = env.CREDENTIALS_DIRECTORY;
  if (credentials !== undefined && merged.get("mqtt.passwordFile") === "" && merged.get("mqtt.password") === "") {
    const value = join(credentials, "mqtt-password");
    const source: ConfigSource = { layer: "derived", where: "systemd credential mqtt-password" };
    if (await isReadable(value)) merged.set({ key: "mqtt.passwordFile", value, source, baseDir: "/" });
  }
}

async function unreadableSecrets(config: AslsConfig, merged: MergedConfig): Promise<ConfigProblem[]> {
  if (!config.mqtt.enabled) return [];
  const problems: ConfigProblem[] = [];
  for (const name of ["passwordFile", "caFile", "certFile", "keyFile"] as const) {
    const file = config.mqtt[name];
    if (file === "" || (await isReadable(file))) continue;
    const key = `mqtt.${name}`;
    problems.push({
      where: merged.sources.get(key)?.where ?? "default",
      key,
      message: `names a file that cannot be read: ${file}`,
    });
  }
  return problems;
}

async function isReadable(file: string): Promise<boolean> {
  try {
    await access(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function hashOf(merged: MergedConfig): string {
  const values = [...CONFIG_KEYS].filter(([, known]) => !known.sensitive).map(([key]) => [key, merged.get(key)]);
  return createHash("sha256").update(JSON.stringify(values)).digest("hex").slice(0, 12);
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === "object" && inner !== null) deepFreeze(inner);
  return Object.freeze(value);
}
