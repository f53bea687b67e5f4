import { expect, test } from "vitest";
import { AppError } from "../../../src/core/errors.ts";
import { fuzz, mustReadOrRefuse } from "../../fuzz/fuzz.ts";

/** The long run is `npm run fuzz`. */
const INPUTS = 3_000;

test("every reader takes random and damaged input, or refuses it with a coded error", async () => {
  const { findings, inputs } = await fuzz({ inputs: INPUTS, seed: 1, log: () => {} });
  expect(findings).toEqual([]);
  expect(inputs).toBeGreaterThanOrEqual(INPUTS);
}, 60_000);

test("anything but a coded error is a finding, and so is a refusal of what people say", async () => {
  const throwing = (error: unknown) => ({
    name: "planted",
    samples: [],
    read: () => {
      throw error;
    },
  });
  const refusal = throwing(new AppError("E_CONTROL_PROTOCOL", "not JSON"));
  await expect(mustReadOrRefuse(refusal, Uint8Array.of())).resolves.toBeUndefined();
  await expect(mustReadOrRefuse(throwing(new TypeError("undefined")), Uint8Array.of())).rejects.toThrow("TypeError");
  await expect(mustReadOrRefuse({ ...refusal, neverRefuses: true }, Uint8Array.of())).rejects.toThrow("not JSON");
  await expect(mustReadOrRefuse(throwing(new AppError("E_INTERNAL", "?")), Uint8Array.of())).rejects.toThrow("?");
});
