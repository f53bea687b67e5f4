import { describe, expect, it } from "vitest";
import { protocolTable } from "../../../src/adapt/protocol-table.ts";
import { type ChildMessage, decodeChildLine, encodeParentMessage } from "../../../src/adapt/trainer-protocol.ts";
import { ERROR_CODES } from "../../../src/core/errors.ts";

const metrics = {
  steps: 3,
  tokens: 90,
  firstLoss: 4.1,
  finalLoss: 2.2,
  seconds: 1.5,
  cpuSeconds: 1.4,
  tokensPerS: 60,
  peakRssMb: 80,
};

/** Every message of the trainer with every field, as our types have it; the compiler and the table both check it. */
const CHILD_MESSAGES: { readonly [T in ChildMessage["type"]]: Extract<ChildMessage, { readonly type: T }> } = {
  hello: { type: "hello", protocol: 1, version: "0.1.0", ggmlTag: "v0.5.0", backends: ["cpu"], pid: 12 },
  plan: {
    type: "plan",
    mode: "train",
    backend: "cpu",
    device: "EPYC",
    kernels: "avx2",
    architecture: "llama",
    backward: "resident",
    keepActivations: true,
    keptLayers: 4,
    wholeLayers: 4,
    weights: "mmap",
    memoryMb: {
      budget: null,
      process: 20,
      weights: 2,
      transposed: 2,
      adapter: 1,
      activations: 1,
      scratch: 1,
      total: 27,
    },
    trainableParameters: 1000,
    examples: 10,
    tokens: 300,
    steps: 3,
    firstStep: 0,
    reason: "fits",
  },
  progress: {
    type: "progress",
    step: 1,
    steps: 3,
    loss: null,
    ceLoss: 2.5,
    kl: 0.1,
    ktoKl: null,
    gradNorm: 0.7,
    lr: null,
    tokens: 30,
    tokensPerS: 61.5,
    stepMs: 500,
    cpuMs: 480,
    rssMb: 70,
    peakRssMb: 80,
  },
  paused: { type: "paused", step: 1 },
  resumed: { type: "resumed", step: 1 },
  checkpoint: { type: "checkpoint", path: "/x/ck", sha256: "ab", step: 2 },
  heartbeat: { type: "heartbeat", step: 1, state: "running", rssMb: 70 },
  result: {
    type: "result",
    id: "e1",
    baseLoss: 2,
    adapterLoss: null,
    tokens: 8,
    entropy: 1.1,
    kl: null,
    tokenLosses: [1.5, 2.5],
    group: "g",
    score: -2,
    rank: 1,
  },
  probe: {
    type: "probe",
    backend: "vulkan",
    present: true,
    device: "llvmpipe",
    gradientCosine: 0.999,
    correct: true,
    tokensPerS: 10,
    chosen: false,
    reason: "slower",
  },
  done: { type: "done", path: null, sha256: null, stopped: true, metrics },
  error: { type: "error", code: "E_LOSS_NAN", message: "at step 3", retryable: false },
};

const snake = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(snake)
    : typeof value === "object" && value !== null
      ? Object.fromEntries(
          Object.entries(value).map(([key, item]) => [
            key.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`),
            snake(item),
          ]),
        )
      : value;

const wireLine = (message: object) => JSON.stringify({ v: 1, ...(snake(message) as object) });

describe("trainer protocol", () => {
  it("has one type per message of the table, with all of its fields", () => {
    expect(Object.keys(CHILD_MESSAGES).sort()).toEqual(Object.keys(protocolTable.child).sort());
    for (const [type, message] of Object.entries(CHILD_MESSAGES)) {
      const fields = Object.keys(snake(message) as object).filter((key) => key !== "type");
      expect(fields.sort(), type).toEqual(Object.keys(protocolTable.child[type]?.fields ?? {}).sort());
    }
  });

  it.each(Object.values(CHILD_MESSAGES))("decodes $type from the wire as it was meant", (message) => {
    expect(decodeChildLine(wireLine(message))).toEqual(message);
  });

  it.each([
    { line: "{", what: /not JSON/ },
    { line: "[]", what: /no such message/ },
    { line: '{"v":1,"type":"constructor"}', what: /no such message/ },
    { line: '{"v":2,"type":"hello"}', what: /speaks protocol 2, we speak 1/ },
    { line: '{"v":2,"type":"paused","step":1}', what: /paused .*v is not 1/ },
    { line: '{"v":1,"type":"paused"}', what: /step is missing/ },
    { line: '{"v":1,"type":"paused","step":1.5}', what: /step must be an integer/ },
    { line: '{"v":1,"type":"paused","step":-1}', what: /step must be in \[0/ },
    { line: '{"v":1,"type":"paused","step":1,"mood":"good"}', what: /mood is unknown/ },
    { line: '{"v":1,"type":"heartbeat","step":1,"state":"asleep","rss_mb":1}', what: /state is not/ },
  ])("refuses $line", ({ line, what }) => {
    expect(() => decodeChildLine(line)).toThrow(
      expect.objectContaining({ code: "E_TRAINER_PROTOCOL", message: expect.stringMatching(what) }),
    );
  });

  it("encodes a job with nested options in the table's names", () => {
    const line = encodeParentMessage({
      type: "start",
      job: { mode: "train", model: "/m.gguf", optimiser: { lrBRatio: 4 }, checkpoint: { path: "/ck", everySteps: 5 } },
    });
    expect(line.endsWith("\n")).toBe(true);
    expect(JSON.parse(line)).toEqual({
      v: 1,
      type: "start",
      job: {
        mode: "train",
        model: "/m.gguf",
        optimiser: { lr_b_ratio: 4 },
        checkpoint: { path: "/ck", every_steps: 5 },
      },
    });
  });

  it.each([
    { lora: { rank: 257 }, what: /job\.lora\.rank must be in \[1, 256\]/ },
    { lora: { dropout: 0.95 }, what: /job\.lora\.dropout/ },
    { lora: { alpha: Number.NaN }, what: /job\.lora\.alpha/ },
  ])("refuses the job option $lora by its path", ({ lora, what }) => {
    const encode = () => encodeParentMessage({ type: "start", job: { mode: "train", model: "/m.gguf", lora } });
    expect(encode).toThrow(expect.objectContaining({ code: "E_TRAINER_USAGE", message: expect.stringMatching(what) }));
  });

  it("has every error code of the trainer in the product's table, retryable alike", () => {
    const ours: Readonly<Record<string, { readonly retryable: boolean }>> = ERROR_CODES;
    for (const [code, { retryable }] of Object.entries(protocolTable.errors)) {
      expect(ours[code]?.retryable, code).toBe(retryable);
    }
  });
});
