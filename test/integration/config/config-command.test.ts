import { mkdir, writeFile } from "node:fs/promises";
import { Command } from "commander";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { configCommand } from "../../../src/cli/config-command.ts";
import { isAppError } from "../../../src/core/errors.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";

let root: TempDir;
let written: string;
beforeEach(async () => {
  root = await makeTempDir("config-command");
  written = "";
  vi.stubEnv("ASLS_PATHS_CONFIG_DIR", root.path);
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    written += String(text);
    return true;
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await root.dispose();
});

const run = (...args: string[]) =>
  new Command("asls")
    .exitOverride()
    .addCommand(configCommand())
    .parseAsync(["config", ...args], { from: "user" });

test("print shows each value with its source and hides the password", async () => {
  await writeFile(root.join("asls.yaml"), "mqtt:\n  username: asls\n  password: topsecret\n");
  await run("print", "--set", "vad.threshold=0.6");
  expect(written).toMatch(/^vad\.threshold = 0\.6 +# --set vad\.threshold$/m);
  expect(written).toMatch(/^vad\.trailingSilenceMs = 700 +# default$/m);
  expect(written).toMatch(new RegExp(`^mqtt\\.password = "\\(hidden\\)" +# ${root.join("asls.yaml")}:3$`, "m"));
  expect(written).not.toContain("topsecret");
});

test("print --json is one object with value, layer and place of every key", async () => {
  await run("print", "--json", "--board", "rpi5");
  const printed = JSON.parse(written) as Record<string, unknown>;
  expect(printed["buttons.chipLabel"]).toEqual({
    value: "pinctrl-rp1",
    layer: "board profile",
    where: "board profile rpi5",
  });
  expect(printed["board.profile"]).toEqual({ value: "rpi5", layer: "command line", where: "--set board.profile" });
});

test("check says valid with the warnings, or fails with every problem and E_CONFIG_INVALID", async () => {
  vi.stubEnv("ASLS_NONSENSE", "1");
  await run("check", "--json");
  expect(JSON.parse(written)).toMatchObject({ valid: true, warnings: ["ASLS_NONSENSE is no configuration key"] });
  await mkdir(root.join("conf.d"));
  await writeFile(root.join("conf.d/a.yaml"), "vad: {threshold: 7, nothing: 1}");
  const error = await run("check").catch((reason: unknown) => reason);
  expect(isAppError(error, "E_CONFIG_INVALID")).toBe(true);
  expect(String(error)).toMatch(/2 problems.*vad\.nothing.*vad\.threshold/s);
});
