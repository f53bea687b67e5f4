import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packageRoot } from "../../src/core/built-file.ts";
import { describeWhen } from "../support/describe-when.ts";
import { buildTimeoutMs, buildTrainer, makeModel, runTool } from "../support/native-trainer.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";

let folder = "";
let temp: TempDir;

/**
 * Software Vulkan (mesa's lavapipe) counts as a device only when it is named. Version 22.3.6 of Debian 12 crashes in threads of its
 * own in one process of three to eight, hence the retries below.
 */
const vulkan = { GGML_VK_VISIBLE_DEVICES: "0" };
const lavapipe = "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json";
const vulkanLibrary = `${packageRoot}node_modules/@node-llama-cpp/linux-x64-vulkan/bins/linux-x64-vulkan/libggml-vulkan.so`;
const lacksVulkan = [lavapipe, vulkanLibrary].find((path) => !existsSync(path));

beforeAll(async () => {
  folder = buildTrainer();
  temp = await makeTempDir("trainer");
}, buildTimeoutMs);
afterAll(() => temp?.dispose());

const gradients = (model: string, args: string, env: NodeJS.ProcessEnv = {}) =>
  runTool(folder, "gradients", ["--model", model, ...args.split(" ").filter((arg) => arg !== "")], env);

describe("gradients against finite differences, both halves of every adapter of the first, middle and last layer", () => {
  const cases = ["llama", "qwen2", "qwen3"].flatMap((arch) =>
    ["ce", "kto", "dpo", "kl"].map((loss) => ({ arch, loss })),
  );
  it.each(cases)("$arch, $loss: relative error below 1e-3", ({ arch, loss }) => {
    const model = makeModel(folder, temp.path, `--arch ${arch} --shape narrow --type f32`);
    expect(gradients(model, `--loss ${loss}`).worst_relative_error).toBeLessThan(1e-3);
  });

  it("stay below 1e-3 with three layers, all objectives in one group, recomputed activations", () => {
    const model = makeModel(folder, temp.path, "--arch llama --shape tiny --rope-freqs --untied --type f32");
    expect(gradients(model, "--loss mixed --activations recompute").worst_relative_error).toBeLessThan(1e-3);
  });

  it.each(["amxbf16", "avx512vnnibf16", "avx512vnni", "avx512bf16", "avx512", "avx2", "generic", "ggml"])(
    "stay below 1e-3 with the %s kernels",
    (kernels) => {
      const model = makeModel(folder, temp.path, "--arch qwen3 --shape narrow --type f32");
      expect(gradients(model, "--loss mixed", { ASLS_TRAINER_KERNELS: kernels }).worst_relative_error).toBeLessThan(
        1e-3,
      );
    },
  );
});

describe("gradients through quantised weights", () => {
  const types = [
    "f16",
    "bf16",
    "q8_0",
    "q4_0",
    "q4_1",
    "q5_0",
    "q5_1",
    "q2_k",
    "q3_k",
    "q4_k",
    "q5_k",
    "q6_k",
    "iq4_nl",
    "iq4_xs",
  ];
  it.each(types)("%s: cosine to the dequantised model's above 0.9995", (type) => {
    const model = makeModel(folder, temp.path, `--arch qwen3 --shape tiny --type ${type}`);
    gradients(model, `--dequantise ${model}.f32`);
    const result = gradients(model, `--against ${model}.f32 --loss mixed`);
    expect(result.cosine).toBeGreaterThan(0.9995);
    expect(result.worst_tensor_cosine).toBeGreaterThan(0.998);
  });

  it("resident transposed copies give the fused pass's gradients with cosine above 0.9995", () => {
    const model = makeModel(folder, temp.path, "--arch llama --shape tiny --type q8_0");
    expect(gradients(model, `--against ${model} --backward fused --against-backward resident`).cosine).toBeGreaterThan(
      0.9995,
    );
  });

  it.each(["amxbf16", "avx512vnnibf16", "avx512vnni", "avx512bf16", "avx512", "avx2", "generic", "ggml"])(
    "%s kernels: cosine above 0.9995",
    (kernels) => {
      const model = makeModel(folder, temp.path, "--arch qwen3 --shape tiny --type q8_0");
      gradients(model, `--dequantise ${model}.f32`);
      const result = gradients(model, `--against ${model}.f32 --loss mixed`, { ASLS_TRAINER_KERNELS: kernels });
      expect(result.cosine).toBeGreaterThan(0.9995);
    },
  );

  // Many examples and long answers make the gradient of one token small: 8-bit blocks have a scale in F16, which ends at 6e-8.
  it.each(["generic", "ggml"])(
    "%s kernels: small gradients pass through resident copies, cosine above 0.9995",
    (kernels) => {
      const model = makeModel(folder, temp.path, "--arch qwen3 --shape tiny --type q8_0");
      gradients(model, `--dequantise ${model}.f32`);
      const args = `--against ${model}.f32 --loss mixed --weight 1e-4 --backward resident`;
      expect(gradients(model, args, { ASLS_TRAINER_KERNELS: kernels }).cosine).toBeGreaterThan(0.9995);
    },
  );

  it.each(["q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "iq4_nl"])(
    "%s with the kernels of any processor: cosine above 0.9995",
    (type) => {
      const model = makeModel(folder, temp.path, `--arch qwen3 --shape tiny --type ${type}`);
      gradients(model, `--dequantise ${model}.f32`);
      for (const backward of ["fused", "resident"]) {
        const args = `--against ${model}.f32 --loss mixed --backward ${backward}`;
        expect(gradients(model, args, { ASLS_TRAINER_KERNELS: "generic" }).cosine).toBeGreaterThan(0.9995);
      }
    },
  );

  it.each(["part", "recompute"])(
    "activations kept by %s give exactly the gradients of all kept, dropout included",
    (activations) => {
      const model = makeModel(folder, temp.path, "--arch qwen3 --shape tiny --type q8_0");
      const args = `--dropout 0.3 --activations keep --against-activations ${activations}`;
      expect(gradients(model, `--against ${model} ${args}`).relative_difference).toBeLessThan(1e-7);
    },
  );
});

const lacksAvx2 = / avx2 /.test(readFileSync("/proc/cpuinfo", "utf8")) ? null : "no AVX2";
describeWhen(lacksAvx2, "gradients by the AVX2 kernels", () => {
  // Widths of 96 and 160 leave a part of a block of 128; each way of packing weights is in both directions.
  it.each([
    ["q8_0", "narrow"],
    ["f16", "narrow"],
    ["q4_0", "narrow"],
    ["iq4_nl", "narrow"],
    ["q4_k", "tiny"],
  ])("%s in the %s shape: cosine above 0.9995", (type, shape) => {
    const model = makeModel(folder, temp.path, `--arch qwen3 --shape ${shape} --type ${type}`);
    gradients(model, `--dequantise ${model}.f32`);
    const result = gradients(model, `--against ${model}.f32 --loss mixed`, { ASLS_TRAINER_KERNELS: "avx2" });
    expect(result.cosine).toBeGreaterThan(0.9995);
  });
});

describeWhen(
  lacksVulkan === undefined ? null : `${lacksVulkan} is missing`,
  "gradients on software Vulkan against the CPU's",
  () => {
    it.each([
      ["llama", "f32", 0.9999],
      ["qwen2", "q8_0", 0.998],
      ["qwen3", "q4_k", 0.998],
    ])("%s %s: cosine above %d, the whole graph on the device", { retry: 8 }, (arch, type, floor) => {
      const model = makeModel(folder, temp.path, `--arch ${arch} --shape tiny --type ${type}`);
      const args = `--loss ce --against ${model} --against-backend vulkan --against-backward resident`;
      expect(gradients(model, args, vulkan).cosine).toBeGreaterThan(floor);
    });

    // Devices multiply in F16, where gradients below 6e-8 are zeros.
    it("small gradients: cosine above 0.9995", { retry: 8 }, () => {
      const model = makeModel(folder, temp.path, "--arch qwen3 --shape tiny --type q8_0");
      gradients(model, `--dequantise ${model}.f32`);
      const args = `--against ${model}.f32 --loss ce --weight 1e-6 --backend vulkan --backward resident`;
      expect(gradients(model, args, vulkan).cosine).toBeGreaterThan(0.9995);
    });
  },
);
