import { fileSha256 } from "../../src/core/file-hash.ts";
import { AdaptationRig } from "../../test/support/adaptation-rig.ts";
import { gardenTurn } from "../../test/support/gardener.ts";
import { interactions } from "../../test/support/interactions.ts";
import { ensureModel, ensureTools, LLAMA_100M } from "../trainer/shapes.ts";
import type { Rig } from "./rig.ts";

/** Turns that were not corrected; the newest of them must not suffer. */
const OTHER_TURNS = 12;
/** After the first one, which has to measure the base as well. */
const FURTHER = 15;

/** Wall times, seconds. */
export interface MicroResult {
  /** From the correction to the adapter in use, the first time after a start. */
  readonly first: number;
  /** The same for each further correction that was let through. */
  readonly further: readonly number[];
  /** Of these, from the correction to the trained adapter, before it is judged. */
  readonly training: readonly number[];
}

/**
 * Micro-updates as the product makes them, with its store, trainer, gate and monitor, on a base of the 100M shape. Its
 * weights are random and it has no vocabulary: texts are in the seed model's tokens, some more than a 100M model's own.
 */
export async function measureMicroUpdates(
  { settings }: Pick<Rig, "settings">,
  threads: number,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<MicroResult> {
  await ensureTools(log);
  const path = await ensureModel(LLAMA_100M, "q8_0", log);
  const base = { path, sha256: await fileSha256(path), name: LLAMA_100M.name, isTrainable: true };
  const budget = { duty: 1, threads, reason: "bench" };
  await using rig = await AdaptationRig.make({ settings, deps: { base: () => base, budget: () => budget } });
  const profileId = await rig.consentingProfile();
  await rig.tell(profileId, interactions(OTHER_TURNS));
  await rig.service.start();
  let trainedMs = 0;
  rig.service.on("job", ({ state }) => {
    if (state === "evaluating") trainedMs = performance.now();
  });
  const seconds: (readonly [whole: number, training: number, isInUse: boolean])[] = [];
  for (let n = 0; n <= FURTHER; n += 1) {
    signal.throwIfAborted();
    await rig.tell(profileId, [gardenTurn(n)]);
    const began = performance.now();
    rig.service.corrected(profileId);
    await rig.jobOver();
    const whole = (performance.now() - began) / 1_000;
    const training = (trainedMs - began) / 1_000;
    const isInUse = (await rig.service.status()).lastMicro?.state === "active";
    seconds.push([whole, training, isInUse]);
    const end = isInUse ? "in use" : "refused";
    log(
      `micro-update ${n + 1}: ${whole.toFixed(1)} s until it was ${end}, to the trained adapter ${training.toFixed(1)} s`,
    );
  }
  const [[first = 0] = [], ...rest] = seconds;
  const further = rest.filter(([, , isInUse]) => isInUse);
  return { first, further: further.map(([whole]) => whole), training: further.map(([, training]) => training) };
}
