import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, expect, it } from "vitest";
import { packageRoot } from "../../src/core/built-file.ts";
import { describeWhen, lacksProgram } from "../support/describe-when.ts";
import { buildTimeoutMs, buildTrainer, makeModel, runTool } from "../support/native-trainer.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";

// The arm64 trainer, cross-compiled against the arm64 libraries of node-llama-cpp and run by qemu's user emulation.
const lacks =
  process.arch === "arm64"
    ? "an arm64 machine runs its trainer itself, in the other suites"
    : lacksProgram("aarch64-linux-gnu-g++", "qemu-aarch64");

describeWhen(lacks, "the arm64 trainer under emulation", () => {
  let temp: TempDir;
  let model = "";
  let plain = "";

  beforeAll(async () => {
    plain = buildTrainer();
    execFileSync("sh", ["deploy/build-trainer.sh", "--tools", "--arch", "arm64"], {
      cwd: packageRoot,
      stdio: "inherit",
    });
    temp = await makeTempDir("trainer-arm64");
    model = makeModel(plain, temp.path, "--arch qwen3 --shape narrow --type f32");
  }, buildTimeoutMs);
  afterAll(() => temp?.dispose());

  const emulate = (tool: string, args: string[]) => {
    const executable = `${packageRoot}build/trainer-arm64/asls-${tool}`;
    const output = execFileSync("qemu-aarch64", ["-L", "/usr/aarch64-linux-gnu", executable, ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return JSON.parse(output);
  };

  it("F32 logits differ from arm64 llama.cpp's by less than 1e-5 with the NEON kernels", () => {
    const result = emulate("reference", ["logits", "--model", model]);
    expect(result.kernels).toBe("neon");
    expect(result.max_difference).toBeLessThan(1e-5);
  });

  it("gradients agree with finite differences within 1e-3", { timeout: 400_000 }, () => {
    const result = emulate("gradients", ["--model", model, "--loss", "ce", "--tokens", "8"]);
    expect(result.worst_relative_error).toBeLessThan(1e-3);
  });

  // Products are ggml's there, whose NEON kernels round activations themselves.
  it.each(["q4_0", "iq4_nl"])("small gradients through %s and resident copies: cosine above 0.9995", (type) => {
    const quantised = makeModel(plain, temp.path, `--arch qwen3 --shape narrow --type ${type}`);
    runTool(plain, "gradients", ["--model", quantised, "--dequantise", `${quantised}.f32`]);
    const args = ["--model", quantised, "--against", `${quantised}.f32`, "--loss", "ce", "--weight", "1e-4"];
    const result = emulate("gradients", [...args, "--backward", "resident"]);
    expect(result.cosine).toBeGreaterThan(0.9995);
  });
});
