import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import { surveyGpio } from "../../../src/sensors/gpio-survey.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";

async function tree(files: Readonly<Record<string, string>>): Promise<TempDir> {
  const folder = await makeTempDir("gpio-tree");
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(folder.join(path)), { recursive: true });
    await writeFile(folder.join(path), text);
  }
  return folder;
}

test("finds a Pi 5's chips with their bases and the input devices by name", async () => {
  await using root = await tree({
    "sys/class/gpio/export": "",
    "sys/class/gpio/gpiochip571/label": "pinctrl-rp1\n",
    "sys/class/gpio/gpiochip571/base": "571\n",
    "sys/class/gpio/gpiochip571/ngpio": "54\n",
    "sys/class/gpio/gpiochip512/label": "gpio-brcmstb@107d508500\n",
    "sys/class/gpio/gpiochip512/base": "512\n",
    "sys/class/gpio/gpiochip512/ngpio": "32\n",
    "sys/class/gpio/gpio588/value": "1\n",
    "sys/class/input/event0/device/name": "button@11\n",
    "sys/class/input/mouse0/device/name": "mouse\n",
  });
  const survey = await surveyGpio(root.path);
  expect(survey.sysfs).toEqual({
    isWritable: true,
    chips: [
      { label: "gpio-brcmstb@107d508500", base: 512, lineCount: 32 },
      { label: "pinctrl-rp1", base: 571, lineCount: 54 },
    ],
  });
  expect(survey.inputs).toEqual([{ path: root.join("dev/input/event0"), name: "button@11" }]);
});

test("a machine without GPIO and a chip whose files are missing are nothing, not errors", async () => {
  await using empty = await tree({});
  expect(await surveyGpio(empty.path)).toMatchObject({ sysfs: { isWritable: false, chips: [] }, inputs: [] });
  await using broken = await tree({ "sys/class/gpio/gpiochip0/label": "half\n" });
  expect((await surveyGpio(broken.path)).sysfs.chips).toEqual([]);
});
