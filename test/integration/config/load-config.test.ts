import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isAppError } from "../../../src/core/errors.ts";
import { ConfigError, type ConfigProblem } from "../../../src/runtime/config/config-error.ts";
import { type LoadConfigOptions, type LoadedConfig, loadConfig } from "../../../src/runtime/config/load-config.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";

let root: TempDir;
beforeEach(async () => {
  root = await makeTempDir("config");
});
afterEach(() => root.dispose());

async function write(name: string, text: string): Promise<string> {
  const file = root.join("etc", name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  return file;
}

function load(options: Partial<LoadConfigOptions> = {}): Promise<LoadedConfig> {
  return loadConfig({
    env: {},
    fileRoots: { configDir: root.join("etc"), firmwareDir: root.join("devicetree"), workingDir: root.path },
    ...options,
  });
}

async function problemsOf(loading: Promise<LoadedConfig>): Promise<readonly ConfigProblem[]> {
  const error = await loading.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ConfigError);
  expect(isAppError(error, "E_CONFIG_INVALID")).toBe(true);
  return error instanceof ConfigError ? error.problems : [];
}

describe("layers", () => {
  test("default < board profile < asls.yaml < conf.d by name < environment < --set, each with its source", async () => {
    await mkdir(root.join("devicetree"));
    await writeFile(root.join("devicetree/model"), "Raspberry Pi 5 Model B Rev 1.0\0");
    const file = await write("asls.yaml", "vad:\n  trailingSilenceMs: 601\n  noSpeechMs: 601\n  preRollMs: 101\n");
    const early = await write("conf.d/10-a.yaml", "vad: {noSpeechMs: 602, preRollMs: 102, threshold: 0.2}");
    const late = await write("conf.d/20-b.yml", "vad:\n\n  threshold: 0.3\n  maxUtteranceMs: 2000");
    await write("conf.d/30-ignored.txt", "vad: 1");
    const { config, sources, board } = await load({
      env: { ASLS_VAD_PRE_ROLL_MS: "103", ASLS_VAD_MAX_UTTERANCE_MS: "3000" },
      overrides: ["vad.maxUtteranceMs=4000", "vad.maxUtteranceMs=5000"],
    });
    expect(board).toEqual({ name: "rpi5", model: "Raspberry Pi 5 Model B Rev 1.0" });
    expect(config.vad).toMatchObject({
      trailingSilenceMs: 601,
      noSpeechMs: 602,
      preRollMs: 103,
      threshold: 0.3,
      maxUtteranceMs: 5000,
    });
    expect(config.buttons.chipLabel).toBe("pinctrl-rp1");
    expect(sources.get("dialog.historyTurns")).toEqual({ layer: "default", where: "default" });
    expect(sources.get("buttons.chipLabel")).toEqual({ layer: "board profile", where: "board profile rpi5" });
    expect(sources.get("vad.trailingSilenceMs")).toEqual({ layer: "file", where: `${file}:2` });
    expect(sources.get("vad.noSpeechMs")?.where).toBe(`${early}:1`);
    expect(sources.get("vad.threshold")?.where).toBe(`${late}:3`);
    expect(sources.get("vad.preRollMs")?.where).toBe("environment ASLS_VAD_PRE_ROLL_MS");
    expect(sources.get("vad.maxUtteranceMs")?.where).toBe("--set vad.maxUtteranceMs");
  });

  test("without any file or device tree the defaults are valid and the board is generic", async () => {
    const { config, board, warnings } = await load();
    expect(board).toEqual({ name: "generic", model: null });
    expect(config.vad.trailingSilenceMs).toBe(700);
    expect(config.signals.rephrase).toEqual({ estimate: -0.6, confidence: 0.4 });
    expect(config.paths.modelsDir).toBe("/var/lib/asls/models");
    expect(warnings).toEqual([]);
  });

  test("the virtual board needs no root: state below the user's own folders, simulated microphone and buttons", async () => {
    const { config } = await load({ overrides: ["board.profile=virtual"], env: { HOME: "/home/sam" } });
    expect(config.paths.stateDir).toBe("/home/sam/.local/state/asls-virtual");
    expect(config.output).toMatchObject({ kind: "wav", wavDir: "/home/sam/.local/state/asls-virtual/spoken" });
    expect([config.microphone.kind, config.buttons.backend]).toEqual(["virtual", "virtual"]);
  });

  test("a folder named by the environment is read instead of the default one, and a file cannot name it", async () => {
    const file = await write("asls.yaml", "paths: {configDir: /elsewhere}\n");
    const found = await problemsOf(load());
    expect(found).toEqual([
      {
        where: `${file}:1`,
        key: "paths.configDir",
        message: "cannot be set in a file: use ASLS_PATHS_CONFIG_DIR or --set",
      },
    ]);
    await mkdir(root.join("other"));
    await writeFile(root.join("other/asls.yaml"), "log: {level: debug}");
    const { config } = await load({ env: { ASLS_PATHS_CONFIG_DIR: "other" } });
    expect(config.log.level).toBe("debug");
    expect(config.paths.configDir).toBe(root.join("other"));
  });

  test("relative paths start at the file, or for environment and --set at the working folder", async () => {
    await write("conf.d/model.yaml", "model: {path: big.gguf}");
    const { config } = await load({ overrides: ["output.wavDir=out"] });
    expect(config.model.path).toBe(root.join("etc/conf.d/big.gguf"));
    expect(config.output.wavDir).toBe(root.join("out"));
  });

  test("the result cannot be changed at any depth", async () => {
    const { config } = await load();
    expect(() => Object.assign(config.signals.praise, { estimate: 0 })).toThrow(TypeError);
    expect(() => Object.assign(config, { vad: null })).toThrow(TypeError);
  });

  test("the hash changes with a value and not with a secret", async () => {
    const plain = await load();
    const changed = await load({ overrides: ["vad.threshold=0.6"] });
    const secret = await load({ overrides: ["mqtt.username=u", "mqtt.password=one"] });
    const otherSecret = await load({ overrides: ["mqtt.username=u", "mqtt.password=two"] });
    expect(changed.hash).not.toBe(plain.hash);
    expect(secret.hash).toBe(otherSecret.hash);
    expect(plain.hash).toMatch(/^[0-9a-f]{12}$/);
  });
});

describe("problems", () => {
  test("all problems of all layers are listed with file and line, variable or flag", async () => {
    const file = await write(
      "asls.yaml",
      "vad:\n  trailingSilence: 700\n  threshold: 2\nwake: yes please\nmodle:\n  path: x\ndialog:\n  historyTurns:\n",
    );
    const found = await problemsOf(
      load({ env: { ASLS_LOG_LEVEL: "loud" }, overrides: ["mqtt.enabled=perhaps", "nonsense", "led.line"] }),
    );
    expect(found.map(({ where, key, message }) => `${where} | ${key} | ${message}`)).toEqual([
      `${file}:2 | vad.trailingSilence | is unknown; did you mean vad.trailingSilenceMs?`,
      `${file}:4 | wake | is a section: its keys go below`,
      `${file}:5 | modle | is unknown; did you mean model?`,
      "--set nonsense | nonsense | is unknown",
      "--set led.line | led.line | has no value: write --set key=value",
      `${file}:3 | vad.threshold | must be number, 0.05 to 0.95, not 2`,
      `${file}:8 | dialog.historyTurns | must be whole number, 0 to 50, not null`,
      'environment ASLS_LOG_LEVEL | log.level | must be debug, info, warn, error, not "loud"',
      '--set mqtt.enabled | mqtt.enabled | must be true or false, not "perhaps"',
    ]);
  });

  test("a value that a later layer replaces is still checked", async () => {
    const file = await write("asls.yaml", "vad: {threshold: high}");
    const found = await problemsOf(load({ overrides: ["vad.threshold=0.4"] }));
    expect(found.map(({ where }) => where)).toEqual([`${file}:1`]);
  });

  test("broken YAML, a duplicate key and a file without sections name their line", async () => {
    const broken = await write("asls.yaml", "vad:\n  threshold: [0.5\n");
    const twice = await write("conf.d/a.yaml", "log:\n  level: info\nlog:\n  level: warn\n");
    const list = await write("conf.d/b.yaml", "- vad\n");
    const found = await problemsOf(load());
    expect(found.map(({ where }) => where.replace(/:\d+$/, ""))).toEqual([broken, twice, list]);
    expect(found[1]?.where).toBe(`${twice}:3`);
    expect(found[2]?.message).toContain("must hold sections");
  });

  test("an unreadable place is a problem and not silently skipped", async () => {
    await mkdir(root.join("etc/asls.yaml"), { recursive: true });
    const found = await problemsOf(load());
    expect(found).toMatchObject([{ where: root.join("etc/asls.yaml"), key: null }]);
    expect(found[0]?.message).toContain("cannot be read");
  });

  test("a file beyond 1 MiB is refused", async () => {
    const file = await write("asls.yaml", `# ${"x".repeat(1024 * 1024)}\n`);
    expect(await problemsOf(load())).toEqual([{ where: file, key: null, message: "is larger than 1 MiB" }]);
  });

  test("combinations that cannot work name every place they come from", async () => {
    const file = await write(
      "asls.yaml",
      "buttons:\n  holdMs: 500\n  talkLine: 17\nled:\n  line: 17\nstt: {engine: wyoming}\n",
    );
    const found = await problemsOf(load({ env: { ASLS_BUTTONS_DOUBLE_MS: "800" } }));
    expect(found).toEqual([
      { where: `${file}:6`, key: "stt.uri", message: "is needed by stt.engine wyoming" },
      {
        where: `environment ASLS_BUTTONS_DOUBLE_MS, ${file}:2`,
        key: "buttons.doubleMs",
        message: "must be shorter than buttons.holdMs, or a hold cannot be told from a double press",
      },
      { where: `${file}:5, ${file}:3`, key: "led.line", message: "uses line 17, which buttons.talkLine has already" },
    ]);
  });

  test("a password in a URL is refused, and no message shows a secret", async () => {
    const found = await problemsOf(
      load({ overrides: ["mqtt.url=mqtt://u:topsecret@host", `mqtt.password=topsecret\u0007`] }),
    );
    expect(found.map(({ key }) => key)).toEqual(["mqtt.url", "mqtt.password"]);
    expect(JSON.stringify(found)).not.toContain("topsecret");
  });
});

describe("secrets", () => {
  test("the systemd credential mqtt-password is found, and a password file that is missing is named", async () => {
    await mkdir(root.join("credentials"));
    await writeFile(root.join("credentials/mqtt-password"), "s");
    const { config, sources } = await load({
      env: { CREDENTIALS_DIRECTORY: root.join("credentials") },
      overrides: ["mqtt.username=asls"],
    });
    expect(config.mqtt.passwordFile).toBe(root.join("credentials/mqtt-password"));
    expect(sources.get("mqtt.passwordFile")?.where).toBe("systemd credential mqtt-password");
    const found = await problemsOf(load({ overrides: ["mqtt.username=asls", "mqtt.passwordFile=/nowhere"] }));
    expect(found).toEqual([
      {
        where: "--set mqtt.passwordFile",
        key: "mqtt.passwordFile",
        message: "names a file that cannot be read: /nowhere",
      },
    ]);
  });

  test("a secret in a file that everyone may read is a warning without the secret; chmod ends it", async () => {
    const file = await write("asls.yaml", "mqtt:\n  username: asls\n  password: topsecret\n");
    await chmod(file, 0o644);
    expect((await load()).warnings).toEqual([
      `${file}:3: mqtt.password can be read by every user of this machine: chmod o-r ${file}`,
    ]);
    await chmod(file, 0o640);
    expect((await load()).warnings).toEqual([]);
  });

  test("an ASLS_ variable that is no key is a warning with the nearest one, not an error", async () => {
    const { warnings } = await load({ env: { ASLS_VAD_TRESHOLD: "0.4", ASLS_TEST_MARK: "1", HOME: "/root" } });
    expect(warnings).toEqual(["ASLS_VAD_TRESHOLD is no configuration key; did you mean ASLS_VAD_THRESHOLD?"]);
  });
});
