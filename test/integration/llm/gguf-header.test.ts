import { copyFile, readFile, writeFile } from "node:fs/promises";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packageRoot } from "../../../src/core/built-file.ts";
import { AppError } from "../../../src/core/errors.ts";
import {
  metadataLength,
  metadataNumber,
  metadataString,
  readGgufHeader,
} from "../../../src/runtime/llm/gguf-header.ts";
import { buildGguf, type GgufPlan, text, u32 } from "../../support/gguf-builder.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";
import { tinyLlamaPlan, zeros } from "../../support/tiny-models.ts";

const seedModel = `${packageRoot}models/seed-q8_0.gguf`;
let folder: TempDir;
let counter = 0;

beforeAll(async () => {
  folder = await makeTempDir("gguf");
});
afterAll(() => folder.dispose());

async function file(bytes: Uint8Array): Promise<string> {
  const path = folder.join(`${counter++}.gguf`);
  await writeFile(path, bytes);
  return path;
}

async function codeOf(bytes: Uint8Array): Promise<string> {
  const path = await file(bytes);
  return readGgufHeader(path).then(
    () => "ok",
    (error: unknown) => (error instanceof AppError ? error.code : `not coded: ${String(error)}`),
  );
}

const tinyBytes = () => buildGguf(tinyLlamaPlan());
const withTensors = (tensors: GgufPlan["tensors"]) => buildGguf({ ...tinyLlamaPlan(), tensors });

describe("a right file", () => {
  test("the shipped model: names, numbers, array lengths and tensors", async () => {
    const header = await readGgufHeader(seedModel);
    expect(metadataString(header, "general.architecture")).toBe("llama");
    expect(metadataNumber(header, "llama.embedding_length")).toBe(192);
    expect(metadataLength(header, "tokenizer.ggml.tokens")).toBe(2048);
    expect(header.tensors.get("token_embd.weight")).toMatchObject({ shape: [192, 2048], type: "Q8_0" });
  });

  test("every value type comes back as written", async () => {
    const path = await file(
      buildGguf({
        metadata: {
          a: { type: "u8", value: 200 },
          b: { type: "i8", value: -3 },
          c: { type: "u16", value: 60_000 },
          d: { type: "i16", value: -300 },
          e: { type: "i32", value: -70_000 },
          f: { type: "u64", value: 2 ** 40 },
          g: { type: "i64", value: -5 },
          h: { type: "f64", value: 0.1 },
          i: { type: "bool", value: true },
          j: text("grüße"),
          k: { type: "array", of: "string", values: ["x", "yy"] },
          l: { type: "array", of: "f32", values: [1, 2, 3] },
        },
        tensors: [zeros("t", [4, 2])],
      }),
    );
    const { metadata } = await readGgufHeader(path);
    expect([...metadata.values()].map((entry) => ("value" in entry ? entry.value : entry.length))).toEqual([
      200,
      -3,
      60_000,
      -300,
      -70_000,
      2 ** 40,
      -5,
      0.1,
      true,
      "grüße",
      2,
      3,
    ]);
  });

  test("a vocabulary that spans many read buffers is skipped to the right place", async () => {
    const values = Array.from({ length: 60_000 }, (_, i) => `token number ${i}`);
    const plan = tinyLlamaPlan({ big: { type: "array", of: "string", values }, after: u32(77) });
    const header = await readGgufHeader(await file(buildGguf(plan)));
    expect(metadataNumber(header, "after")).toBe(77);
    expect(metadataLength(header, "big")).toBe(60_000);
  });
});

describe("a wrong file", () => {
  test("missing: E_MODEL_MISSING; a folder: E_MODEL_INVALID", async () => {
    await expect(readGgufHeader(folder.join("nowhere.gguf"))).rejects.toMatchObject({ code: "E_MODEL_MISSING" });
    await expect(readGgufHeader(folder.path)).rejects.toMatchObject({ code: "E_MODEL_INVALID" });
  });

  test("cut at any byte: E_MODEL_TRUNCATED, except inside the magic", async () => {
    const bytes = tinyBytes();
    for (let length = 4; length < bytes.length - 32; length += 7) {
      expect(await codeOf(bytes.subarray(0, length)), `cut at ${length}`).toBe("E_MODEL_TRUNCATED");
    }
    expect(await codeOf(bytes.subarray(0, 0))).toBe("E_MODEL_TRUNCATED");
    expect(await codeOf(Buffer.from("GG"))).toBe("E_MODEL_INVALID");
  });

  test("the shipped model without its last 100 bytes: E_MODEL_TRUNCATED with both sizes", async () => {
    const bytes = await readFile(seedModel);
    const path = await file(bytes.subarray(0, bytes.length - 100));
    await expect(readGgufHeader(path)).rejects.toMatchObject({
      code: "E_MODEL_TRUNCATED",
      details: { sizeBytes: bytes.length - 100 },
    });
  });

  test.each<[string, Uint8Array]>([
    ["a PNG", Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47]), Buffer.alloc(100)])],
    ["version 1", buildGguf({ ...tinyLlamaPlan(), version: 1 })],
    ["version 0x03000000 (big-endian)", buildGguf({ ...tinyLlamaPlan(), version: 0x03000000 })],
    ["a tensor of 5 dimensions", withTensors([zeros("t", [1, 1, 1, 1, 1])])],
    ["a tensor with a zero dimension", withTensors([zeros("t", [0, 4])])],
    ["an unknown tensor type", withTensors([{ ...zeros("t", [32]), typeId: 99 }].map((t) => ({ ...t, typeId: 199 })))],
    [
      "Q8_0 rows that are no whole blocks",
      withTensors([{ name: "t", shape: [31], data: new Uint8Array(34), typeId: 8 }]),
    ],
    ["the same tensor twice", withTensors([zeros("t", [4]), zeros("t", [4])])],
    ["a tensor name of 64 bytes", withTensors([zeros("n".repeat(64), [4])])],
    ["alignment 33", buildGguf(tinyLlamaPlan({ "general.alignment": u32(33) }))],
    ["alignment 16 (ggml aborts below 32)", buildGguf(tinyLlamaPlan({ "general.alignment": u32(16) }))],
    ["alignment 0", buildGguf(tinyLlamaPlan({ "general.alignment": u32(0) }))],
    ["tensor data shorter than its shape", withTensors([{ ...zeros("a", [64]), shape: [128] }, zeros("b", [256])])],
  ])("%s: E_MODEL_INVALID", async (_name, bytes) => {
    expect(await codeOf(bytes)).toBe("E_MODEL_INVALID");
  });

  test("a length of 2^63: refused, nothing allocated", async () => {
    const bytes = tinyBytes();
    bytes.writeBigUInt64LE(2n ** 63n, 24); // length of the first key
    expect(await codeOf(bytes)).toBe("E_MODEL_INVALID");
  });

  test("an array of 2^40 strings: E_MODEL_TRUNCATED at once", async () => {
    const plan = tinyLlamaPlan({ z: { type: "array", of: "string", values: ["x"] } });
    const bytes = buildGguf(plan);
    const at = bytes.lastIndexOf(Buffer.from([8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])); // string, one of them
    bytes.writeBigUInt64LE(2n ** 40n, at + 4);
    expect(await codeOf(bytes)).toBe("E_MODEL_TRUNCATED");
  });

  test("any bytes changed anywhere in the header: read, or refused with a code", async () => {
    const bytes = tinyBytes();
    const allowed = ["ok", "E_MODEL_INVALID", "E_MODEL_TRUNCATED"];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 6 }),
        async (changes) => {
          const changed = Buffer.from(bytes);
          for (const [at, value] of changes) changed[at] = value;
          expect(allowed).toContain(await codeOf(changed));
        },
      ),
      { numRuns: 300, seed: 20_260_105 },
    );
  });

  test("a file that may not be read: E_FILE_UNREADABLE", async (context) => {
    if (process.getuid?.() === 0) context.skip("root may read every file");
    const path = folder.join("secret.gguf");
    await copyFile(seedModel, path);
    await writeFile(path, "", { mode: 0o000 });
    await expect(readGgufHeader(path)).rejects.toMatchObject({ code: "E_FILE_UNREADABLE" });
  });
});
