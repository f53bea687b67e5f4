import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { SignalFreezer } from "../../src/adapt/freezer.ts";
import { type TokenExample, writeTokenFile } from "../../src/adapt/token-file.ts";
import type { TrainerCommand } from "../../src/adapt/trainer-child.ts";
import { lossOf } from "../../src/adapt/trainer-messages.ts";
import { probeTrainer } from "../../src/adapt/trainer-probe.ts";
import { TrainerProcess } from "../../src/adapt/trainer-process.ts";
import { packageRoot } from "../../src/core/built-file.ts";
import { SystemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { makeTempDir } from "../support/temp-dir.ts";
import { trainerContract } from "./trainer.ts";

const model = `${packageRoot}models/seed-q8_0.gguf`;
const executable = `${packageRoot}build/trainer/asls-trainer`;

const trainerOf = (command: TrainerCommand) => () =>
  new TrainerProcess({
    command,
    clock: new SystemClock(),
    logger: silentLogger,
    freezer: new SignalFreezer(),
    restartDelaysMs: [1, 1, 1],
  });

trainerContract("fixture child", {
  makeTrainer: trainerOf({ file: process.execPath, args: [`${packageRoot}test/fixtures/trainer/child.mjs`, "ok"] }),
  model,
  vocabularySize: 4096,
});

describe.skipIf(!existsSync(executable))("asls-trainer (skipped when build/trainer is not built)", () => {
  it("gives the loss of every target token when asked to: their mean is the example's, and they are of the adapter", async () => {
    await using folder = await makeTempDir("trainer");
    const [data, out] = [folder.join("d.jsonl"), folder.join("out.gguf")];
    const example = (n: number): TokenExample => ({
      id: `e${n}`,
      kind: "ce",
      tokens: [74, 75, 514, 3, 20 + n, 40 + n, 2],
      targets: [
        [1, 3],
        [4, 7],
      ],
    });
    await writeTokenFile(data, [example(1), example(2)]);
    const trainer = trainerOf({ file: executable })();
    const optimiser = { steps: 3, lr: 1e-2, maxTokens: 32 };
    await trainer.run({ mode: "train", model, data, out, backend: "cpu", optimiser }).ended;
    const evaluate = async (initAdapter: object) => {
      const outcome = await trainer.run({
        mode: "evaluate",
        model,
        data,
        backend: "cpu",
        tokenLosses: true,
        ...initAdapter,
      }).ended;
      return outcome.kind === "done" ? outcome.results : [];
    };
    const beside = await evaluate({ initAdapter: out });
    for (const results of [await evaluate({}), beside]) {
      expect(results.map(({ tokenLosses }) => tokenLosses?.length)).toEqual([5, 5]);
      for (const result of results) {
        const { tokenLosses = [], tokens } = result;
        expect(tokenLosses.reduce((sum, loss) => sum + loss, 0) / tokens).toBeCloseTo(lossOf(result), 4);
      }
    }
    // The same figures of the adapter when the base is left out.
    expect(await evaluate({ initAdapter: out, baseLosses: false })).toEqual(
      beside.map(({ kl: _, ...result }) => ({ ...result, baseLoss: null })),
    );
    const nothing = trainer.run({ mode: "evaluate", model, data, backend: "cpu", baseLosses: false }).ended;
    await expect(nothing).rejects.toMatchObject({ code: "E_TRAINER_USAGE" });
  });

  it.each(["generic", "ggml", null])(
    "reads what sequences of a group have in common at their beginning once, and comes to the same losses (kernels: %s)",
    async (kernels) => {
      await using folder = await makeTempDir("trainer");
      const [data, out] = [folder.join("data.jsonl"), folder.join("adapter.gguf")];
      const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);
      const [prompt, other] = [range(5, 20), range(70, 12)];
      const sequences = [
        [...prompt, ...range(30, 6)],
        [...prompt, ...range(40, 9)], // shares the prompt
        [...prompt.slice(0, 9), ...range(50, 8)], // a part of it
        [...other, 60], // nothing
        [...other, 60, 61], // all of the one before
        [...prompt, ...range(40, 9)], // twice the same
      ];
      const examples = sequences.map((tokens, i): TokenExample => {
        const from = i === 3 ? 12 : Math.min(tokens.length - 1, 15);
        return { id: `e${i}`, kind: "ce", tokens, targets: [[from, tokens.length]] };
      });
      await writeTokenFile(data, examples);
      const command =
        kernels === null
          ? { file: executable }
          : { file: "env", args: [`ASLS_TRAINER_KERNELS=${kernels}`, executable] };
      const trainer = trainerOf(command)();
      const optimiser = { steps: 3, lr: 1e-2, maxTokens: 64 };
      await trainer.run({ mode: "train", model, data, out, backend: "cpu", optimiser }).ended;
      const measure = async (sequencesPerStep: number) => {
        let read = 0;
        const job = { mode: "evaluate", model, data, initAdapter: out, backend: "cpu", tokenLosses: true } as const;
        const run = trainer.run(
          { ...job, optimiser: { maxTokens: 64, sequencesPerStep } },
          {
            onEvent: (event) => {
              if (event.kind === "progress") read = event.progress.tokens;
            },
          },
        );
        const outcome = await run.ended;
        return { read, results: outcome.kind === "done" ? outcome.results : [] };
      };
      const alone = await measure(1);
      const together = await measure(8);
      const total = sequences.reduce((sum, { length }) => sum + length, 0);
      expect(alone.read).toBe(2 * total); // base and adapter
      expect(together.read).toBe(2 * (total - 20 - 9 - 13 - 29));
      for (const [i, { id, baseLoss, tokenLosses = [], kl }] of together.results.entries()) {
        const expected = alone.results[i];
        expect(id).toBe(expected?.id);
        expect(baseLoss).toBeCloseTo(expected?.baseLoss ?? Number.NaN, 4);
        expect(kl).toBeCloseTo(expected?.kl ?? Number.NaN, 4);
        expect(tokenLosses.length).toBe(expected?.tokenLosses?.length);
        for (const [t, loss] of tokenLosses.entries()) expect(loss).toBeCloseTo(expected?.tokenLosses?.[t] ?? 0, 4);
      }
    },
  );

  it("ranks the trained one first of three answers to the same prompt, and loses the others against the base", async () => {
    await using folder = await makeTempDir("trainer");
    const [data, candidates, out] = [folder.join("d.jsonl"), folder.join("c.jsonl"), folder.join("out.gguf")];
    const answer = (n: number) => [74, 75, 514, 3, 20 + n, 40 + n, 60 + n, 2];
    const example = (n: number): TokenExample => ({ id: `a${n}`, kind: "ce", tokens: answer(n), targets: [[4, 8]] });
    await writeTokenFile(data, [example(2)]);
    await writeTokenFile(
      candidates,
      [0, 1, 2].map((n) => ({ ...example(n), group: "g" })),
    );
    const trainer = trainerOf({ file: executable })();
    await trainer.run({ mode: "train", model, data, out, optimiser: { steps: 30, lr: 0.004 } }).ended;

    const outcome = await trainer.run({ mode: "score", model, data: candidates, initAdapter: out }).ended;

    const results = outcome.kind === "done" ? outcome.results : [];
    expect(results.find(({ rank }) => rank === 1)?.id).toBe("a2");
    expect(results.map(({ rank }) => rank).sort()).toEqual([1, 2, 3]);
    expect(results[2]?.adapterLoss).toBeLessThan((results[2]?.baseLoss ?? 0) / 4);
  });

  it("probes every backend and chooses one that is present and correct", async () => {
    const { backends, chosen } = await probeTrainer(trainerOf({ file: executable })(), model, 1);
    expect(backends.map(({ backend }) => backend)).toContain("cpu");
    expect(chosen).toMatchObject({ present: true, correct: true });
    expect(chosen?.gradientCosine).toBeGreaterThan(0.99);
    expect(backends.filter((probe) => probe.chosen)).toHaveLength(1);
  });

  it("measures no adapter whose predictions are not numbers: E_LOSS_NAN instead of a loss of 0", async () => {
    await using folder = await makeTempDir("trainer");
    const data = folder.join("data.jsonl");
    const out = folder.join("out.gguf");
    await writeTokenFile(data, [{ id: "e1", kind: "ce", tokens: [74, 75, 514, 3, 8, 9], targets: [[2, 6]] }]);
    const makeTrainer = trainerOf({ file: executable });
    await makeTrainer().run({ mode: "train", model, data, out, optimiser: { steps: 1 } }).ended;
    const bytes = await readFile(out);
    // The last tensor: finite weights whose products overflow, so that infinities meet.
    for (let at = bytes.length - 4_096; at < bytes.length; at += 4) bytes.writeFloatLE(at % 8 === 0 ? 3e38 : -3e38, at);
    await writeFile(out, bytes);

    const { ended } = makeTrainer().run({ mode: "evaluate", model, data, initAdapter: out });

    await expect(ended).rejects.toMatchObject({ code: "E_LOSS_NAN" });
  });
});

if (existsSync(executable)) {
  trainerContract("asls-trainer", { makeTrainer: trainerOf({ file: executable }), model, vocabularySize: 4096 });
} else {
  describe.skip(`trainer contract: asls-trainer (${executable} is not built: sh deploy/build-trainer.sh)`, () => {
    it("is the same as the fixture child's");
  });
}
