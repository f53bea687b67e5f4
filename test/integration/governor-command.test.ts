import { readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { makeTempDir } from "../support/temp-dir.ts";
import { asls } from "../support/virtual-device.ts";

const LIMITS = ["--board", "generic", "--set", "governor.stopC=70"];

test("asls governor simulate --trace replays a file with the configured limits and writes the plot", async () => {
  await using folder = await makeTempDir("simulate");
  await writeFile(
    folder.join("trace.csv"),
    "time_s,soc_temp_c,mains\r\n0,45,1\r\n60,71,1\r\n90,50,1\r\n300,50,0\r\n360,50,0\r\n",
  );
  const files = ["--trace", folder.join("trace.csv"), "--out", folder.join("plot.svg")];
  const { exitCode, stdout } = await asls(["governor", "simulate", ...files, "--json", ...LIMITS]);
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    simulatedS: 360,
    trainedS: 270,
    hottestTrainingC: 50,
    secondsByReason: { none: 270, too_hot: 30, on_battery: 60 },
  });
  expect(await readFile(folder.join("plot.svg"), "utf8")).toContain("stop 70 °C");
});

test.each([
  [["--trace", "missing.csv"], "E_FILE_UNREADABLE"],
  [["--trace", "a.csv", "--day"], "E_USAGE"],
  [[], "E_USAGE"],
  [["--day", "--step", "0"], "E_USAGE"],
  [["--day", "--out", "/nowhere/plot.svg"], "E_FILE_UNWRITABLE"],
  [["--day", "--set", "governor.resumeC=99"], "governor.resumeC"],
])("asls governor simulate %j fails with %s", async (args, word) => {
  const { exitCode, stderr } = await asls(["governor", "simulate", ...args, ...LIMITS]);
  expect(exitCode).not.toBe(0);
  expect(stderr).toContain(word);
});

test("a trace with a cell that is no number names its line and no other text of the file", async () => {
  await using folder = await makeTempDir("simulate");
  await writeFile(folder.join("trace.csv"), "time_s,soc_temp_c\n0,45\n1,secret\n");
  const { stderr } = await asls(["governor", "simulate", "--trace", folder.join("trace.csv"), ...LIMITS]);
  expect(stderr).toContain("line 3");
  expect(stderr).not.toContain("secret");
});
