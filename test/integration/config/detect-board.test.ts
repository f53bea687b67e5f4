import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { detectBoard } from "../../../src/runtime/config/board-profiles.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

const MODELS: [string, string][] = [
  ["Raspberry Pi 4 Model B Rev 1.4", "rpi4"],
  ["Raspberry Pi 400 Rev 1.0", "rpi4"],
  ["Raspberry Pi Compute Module 4 Rev 1.0", "rpi4"],
  ["Raspberry Pi 5 Model B Rev 1.0", "rpi5"],
  ["Raspberry Pi Compute Module 5 Rev 1.0", "rpi5"],
  ["NVIDIA Jetson Orin Nano Developer Kit", "jetson-orin"],
  ["NVIDIA Jetson AGX Orin Developer Kit", "jetson-orin"],
  ["NVIDIA Jetson Nano Developer Kit", "generic"],
  ["Raspberry Pi 3 Model B Plus Rev 1.3", "generic"],
];

test.each(MODELS)("a device tree that says %s is board %s", async (model, board) => {
  await using folder = await makeTempDir("devicetree");
  await writeFile(folder.join("model"), `${model}\0`);
  expect(await detectBoard(folder.path)).toEqual({ name: board, model });
});
