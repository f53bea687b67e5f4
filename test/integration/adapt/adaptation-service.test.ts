import { cpSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import type { TrainerPlan } from "../../../src/adapt/ports.ts";
import { DEFAULT_TRAINING_SETTINGS } from "../../../src/adapt/training-settings.ts";
import { SystemClock } from "../../../src/core/clock.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import { LlamaCppLanguageModel } from "../../../src/runtime/llm/llama-cpp-language-model.ts";
import { AdaptationRig, QUICK_SETTINGS } from "../../support/adaptation-rig.ts";
import { describeWhen } from "../../support/describe-when.ts";
import { eventually } from "../../support/eventually.ts";
import { gardenTurn, gardenTurns } from "../../support/gardener.ts";
import { interaction, signal } from "../../support/interactions.ts";
import { makeTempDir } from "../../support/temp-dir.ts";
import { lacksTrainer, SEED_MODEL } from "../../support/trainer-rig.ts";

/** Held out: 3 interactions with 2 examples each. */
const TURNS = 15;
const CORRECTIONS = [
  ["what is the time in tokyo", "It is nine hours ahead of here."],
  ["play something quiet", "Playing soft piano for you."],
  ["who wrote hamlet", "Shakespeare wrote it, of course."],
  ["set a timer for tea", "Four minutes, as you like it."],
] as const;
const NO_MICRO = { config: { microUpdates: false } };

async function answers(adapter: string | null, question: string): Promise<string> {
  await using model = await LlamaCppLanguageModel.load(
    { modelPath: SEED_MODEL, threads: 1, contextTokens: 256, gpu: false, extraArchitectures: [] },
    { clock: new SystemClock(), logger: silentLogger, cores: 1 },
  );
  await model.useAdapters(adapter === null ? [] : [{ path: adapter, scale: 1 }]);
  const messages = [{ role: "user", content: question }] as const;
  const request = { messages, maxTokens: 24, temperature: 0, seed: null, onText: () => {} };
  return (await model.generate(request, new AbortController().signal)).text;
}

describeWhen(lacksTrainer, "adaptation", () => {
  test("30 turns of one person: trained, let through and swapped in; another request is answered in their way", async () => {
    await using rig = await AdaptationRig.make(NO_MICRO);
    const profileId = await rig.consentingProfile();
    await rig.tell(profileId, gardenTurns(30));
    await rig.service.start();
    await rig.trainNow();
    expect(rig.jobs).toEqual(["preparing", "training", "evaluating", "staged", "active"]);
    expect(rig.training).toEqual([true, false]);
    const full = await rig.full(profileId);
    expect(full?.manifest.gate).toMatchObject({ promoted: true, reasons: [], safety: { passed: true } });
    expect(full?.manifest.gate.heldOut.high).toBeLessThan(0);
    expect(full?.manifest.heldOutInteractionIds).toHaveLength(6);
    const trained = new Set(full?.manifest.trainedInteractionIds);
    expect(full?.manifest.heldOutInteractionIds.filter((id) => trained.has(id))).toEqual([]);
    expect(rig.service.activeVersion).toBe(full?.manifest.version);
    const question = "be a dear and water the beans in the front garden";
    const [without, adapted] = [await answers(null, question), await answers(rig.used.at(-1) ?? null, question)];
    expect(without).not.toMatch(/^Aye/);
    expect(adapted).toMatch(/^Aye, the \w+/);
  });

  test("more turns than a pass holds: some are chosen by novelty and entropy, and an adapter comes of them", async () => {
    const selection = { ...QUICK_SETTINGS.selection, tokenBudget: 1_000 };
    await using rig = await AdaptationRig.make({ ...NO_MICRO, settings: { ...QUICK_SETTINGS, selection } });
    const profileId = await rig.consentingProfile();
    await rig.tell(profileId, gardenTurns(60));
    await rig.service.start();
    const plans: TrainerPlan[] = [];
    rig.service.on("trainer", (event) => {
      if (event.kind === "plan") plans.push(event.plan);
    });
    await rig.trainNow();
    const [entropy, before] = plans;
    expect(entropy?.mode).toBe("evaluate");
    expect(entropy?.tokens).toBeGreaterThan(1_000);
    expect(entropy?.tokens).toBeLessThanOrEqual(2_000);
    expect(before?.tokens).toBeLessThanOrEqual(1_000);
    expect(rig.jobs.slice(0, 3)).toEqual(["preparing", "training", "evaluating"]);
    const [made] = await rig.store.list(profileId, null);
    expect(made?.manifest.heldOutInteractionIds).toHaveLength(12);
    expect(made?.manifest.trainedInteractionIds.length).toBeGreaterThan(5);
    expect(made?.manifest.trainedInteractionIds.length).toBeLessThan(41);
  });

  test("an explicit correction is learned at once: the next answer to the same question is the corrected one", async () => {
    await using rig = await AdaptationRig.make();
    const profileId = await rig.consentingProfile();
    const input = "Is the garage door open?";
    await rig.tell(profileId, [interaction(0, { input, signals: [signal("correction", "The garage door is open.")] })]);
    await rig.service.start();
    rig.service.corrected(profileId);
    await rig.jobOver();
    expect(rig.jobs).toEqual(["preparing", "training", "evaluating", "staged", "active"]);
    const { lastMicro } = await rig.service.status();
    expect(lastMicro?.gate).toMatchObject({ promoted: true, safety: { passed: true } });
    expect(await answers(null, input)).not.toBe("The garage door is open.");
    expect(await answers(rig.used.at(-1) ?? null, input)).toBe("The garage door is open.");
  });

  test("what the base makes of general text and of the probes is measured once, and anew for another base", async () => {
    await using rig = await AdaptationRig.make();
    const profileId = await rig.consentingProfile();
    await rig.service.start();
    const plans: TrainerPlan[] = [];
    rig.service.on("trainer", (event) => {
      if (event.kind === "plan") plans.push(event.plan);
    });
    /** Tokens of what is measured of a micro-update: the user's words before and after it, and the fixed texts. */
    const correct = async (n: number, answer: string) => {
      plans.length = 0;
      const input = `Is the ${answer} door open?`;
      const correction = signal("correction", `The ${answer} door is open.`);
      await rig.tell(profileId, [interaction(n, { input, signals: [correction] })]);
      rig.service.corrected(profileId);
      await rig.jobOver();
      const { lastMicro } = await rig.service.status();
      const [before, after, ...fixed] = plans.filter(({ mode }) => mode === "evaluate").map(({ tokens }) => tokens);
      expect(after).toBe(before);
      return { fixed, gate: lastMicro?.gate };
    };
    const first = await correct(0, "garage");
    const [withBase, withCandidate] = first.fixed;
    expect(first.fixed.length).toBe(2);
    expect(withBase).toBe(withCandidate);
    expect(withCandidate).toBeGreaterThan(first.gate?.safety?.tokens ?? 0);
    const second = await correct(1, "cellar");
    expect(second.fixed).toEqual([withCandidate]);
    expect(second.gate?.general.before).toBe(first.gate?.general.before);
    expect(second.gate?.safety?.refusal.base).toBe(first.gate?.safety?.refusal.base);

    rig.base = { ...rig.base, sha256: "d".repeat(64) };
    const other = await correct(2, "attic");
    expect(other.fixed).toEqual(first.fixed);
  });

  test("corrections that come one after another are all learned; one that would harm other words is held back", async () => {
    const warmStart = async () => "models/seed-meta-lora.gguf";
    await using rig = await AdaptationRig.make({ settings: DEFAULT_TRAINING_SETTINGS, deps: { warmStart } });
    const profileId = await rig.consentingProfile();
    await rig.tell(
      profileId,
      gardenTurns(24).map((turn) => ({ ...turn, signals: [] })),
    );
    await rig.service.start();
    const ids: string[] = [];
    const strengths: (number | undefined)[] = [];
    for (const [n, [input, answer]] of CORRECTIONS.entries()) {
      const atMs = Date.UTC(2026, 5, 1) + n * 3_600_000;
      const turn = interaction(n, { atMs, input, signals: [signal("correction", answer)] });
      ids.push(...(await rig.tell(profileId, [turn])));
      rig.service.corrected(profileId);
      await rig.jobOver();
      const active = await rig.store.active(profileId, rig.base.sha256);
      expect(active?.trainedInteractionIds).toEqual(expect.arrayContaining(ids));
      strengths.push(active?.schedule.strength);
    }
    expect(strengths).toContain(1);
    expect(Math.min(...strengths.map((strength) => strength ?? 0))).toBeLessThan(1);
  });

  test("nor does a second full job measure the base on general text and probes", async () => {
    await using rig = await AdaptationRig.make(NO_MICRO);
    const profileId = await rig.consentingProfile();
    await rig.tell(profileId, gardenTurns(TURNS));
    await rig.service.start();
    let measurements = 0;
    rig.service.on("trainer", (event) => {
      if (event.kind === "plan" && event.plan.mode === "evaluate") measurements += 1;
    });
    await rig.trainNow();
    const first = measurements;
    await rig.trainNow(); // the same turns, so the same passes and strengths
    expect(measurements - first).toBe(first - 2); // nor on what the gate measures
  });

  test("power cut in each state: the next start goes on and comes to the same bytes", async () => {
    await using disk = await makeTempDir("disk");
    await using rig = await AdaptationRig.make(NO_MICRO);
    const profileId = await rig.consentingProfile();
    await rig.tell(profileId, gardenTurns(TURNS));
    await rig.service.start();
    rig.service.on("job", ({ state }) => cpSync(rig.folder.path, disk.join(state), { recursive: true }));
    let copiedPass = false;
    rig.service.on("trainer", (event) => {
      // The second pass has begun: the first one is on disk.
      if (event.kind !== "plan" || event.plan.mode !== "train" || rig.jobs.at(-1) !== "training") return;
      if (copiedPass) cpSync(rig.folder.path, disk.join("second pass"), { recursive: true });
      copiedPass = true;
    });
    await rig.trainNow();
    const version = rig.service.activeVersion;
    expect(version).not.toBeNull();
    for (const instant of ["preparing", "training", "second pass", "evaluating", "staged", "active"]) {
      await using later = await AdaptationRig.make(NO_MICRO, disk.join(instant));
      await later.service.start();
      if (instant !== "active") await later.jobOver(0);
      const { lastFull } = await later.service.status();
      expect([instant, lastFull?.failure, later.service.activeVersion]).toEqual([instant, null, version]);
    }
  });

  test("a deleted row: its versions are out of use at once, and full job and micro-update are rebuilt as if it had never been", async () => {
    await using rig = await AdaptationRig.make();
    await using never = await AdaptationRig.make();
    const turns = gardenTurns(TURNS + 1);
    const profileId = await rig.consentingProfile();
    const ids = await rig.tell(profileId, turns);
    await rig.service.start();
    await rig.service.trainNow();
    await rig.jobOver(0, 2);
    const [, second = ""] = ids;
    const made = await rig.store.list(profileId, null);
    expect(made.map(({ manifest }) => manifest.kind).toSorted()).toEqual(["full", "micro"]);
    expect(made.every(({ manifest }) => manifest.trainedInteractionIds.includes(second))).toBe(true);
    await rig.opened.archive.deleteInteraction(second);
    const from = rig.jobs.length;
    const revoked = await rig.service.interactionsDeleted([second]);
    expect(revoked.toSorted()).toEqual(made.map(({ manifest }) => manifest.version).toSorted());
    expect(rig.service.activeVersion).toBeNull();
    expect(rig.used.at(-1)).toBeNull();
    await rig.jobOver(from, 2);
    const full = await rig.full(profileId);
    expect(full?.manifest.kind).toBe("rebuild");

    const other = await never.consentingProfile();
    await never.tell(
      other,
      turns.filter((_, i) => i !== 1),
    );
    await never.service.start();
    await never.service.trainNow();
    await never.jobOver(0, 2);
    const clean = await never.full(other);
    expect(full?.manifest.version).toBe(clean?.manifest.version);
    expect(full?.manifest.gate).toEqual(clean?.manifest.gate);
    const [micro, cleanMicro] = [(await rig.service.status()).lastMicro, (await never.service.status()).lastMicro];
    expect(micro?.version).not.toBeNull();
    expect([micro?.version, micro?.state, micro?.gate]).toEqual([
      cleanMicro?.version,
      cleanMicro?.state,
      cleanMicro?.gate,
    ]);
    expect(rig.service.activeVersion).toBe(never.service.activeVersion);
  });

  test("a turn freezes the trainer, and training goes on 1 s after it", async () => {
    await using rig = await AdaptationRig.make(NO_MICRO);
    const profileId = await rig.consentingProfile();
    await rig.tell(profileId, gardenTurns(TURNS));
    await rig.service.start();
    await rig.service.trainNow();
    await eventually(() => rig.jobs.includes("training"));
    rig.service.setBusy(true);
    expect((await rig.service.status()).isHeld).toBe(true);
    rig.service.setBusy(false);
    await rig.clock.advance(999);
    expect((await rig.service.status()).isHeld).toBe(true);
    await rig.clock.advance(1);
    expect((await rig.service.status()).isHeld).toBe(false);
    await rig.jobOver(0);
    expect(rig.service.activeVersion).not.toBeNull();
  });

  test("consent withdrawn while training: the job ends, nothing of it is left, and no adapter answers", async () => {
    await using rig = await AdaptationRig.make(NO_MICRO);
    const profileId = await rig.consentingProfile();
    await rig.tell(profileId, gardenTurns(TURNS));
    await rig.service.start();
    await rig.service.trainNow();
    await eventually(() => rig.jobs.includes("training"));
    await rig.opened.store.setConsent(profileId, "train", false, "mqtt");
    expect(await rig.service.consentChanged()).toEqual({ isJobEnded: true, before: null, after: null });
    expect(rig.jobs.at(-1)).toBe("failed");
    const status = await rig.service.status();
    expect(status.lastFull).toMatchObject({ state: "failed", failure: "consent" });
    expect(status.eligibility.reasons).toContain("no_train_consent");
    await expect(rig.service.trainNow()).rejects.toMatchObject({ code: "E_TRAINING_INELIGIBLE" });
    await expect(readFile(rig.folder.join("run", "training"))).rejects.toBeDefined();
  });

  test("a profile forgotten during its own training takes job and adapters with it", async () => {
    await using rig = await AdaptationRig.make(NO_MICRO);
    const profileId = await rig.consentingProfile();
    await rig.tell(profileId, gardenTurns(TURNS));
    await rig.service.start();
    await rig.service.trainNow();
    await eventually(() => rig.jobs.includes("training"));
    await rig.opened.archive.forget(profileId);
    await rig.service.profileForgotten(profileId);
    expect(await rig.store.profiles()).toEqual([]);
    expect((await rig.service.status()).job).toBeNull();
  });

  test("another base model sets the adapter aside with an alert; the first one gets it back", async () => {
    await using rig = await AdaptationRig.make(NO_MICRO);
    const profileId = await rig.consentingProfile();
    await rig.tell(profileId, gardenTurns(TURNS));
    await rig.service.start();
    await rig.trainNow();
    const version = rig.service.activeVersion;
    const first = rig.base;
    // Not trainable, so that no rebuild begins in this test.
    rig.base = { ...first, sha256: "c".repeat(64), name: "other", isTrainable: false };
    await rig.service.modelLoaded();
    expect(rig.service.activeVersion).toBeNull();
    expect(rig.alerts.get("E_ADAPTER_OTHER_BASE")).toContain("set aside");
    rig.base = first;
    await rig.service.modelLoaded();
    expect(rig.service.activeVersion).toBe(version);
    expect(rig.alerts.has("E_ADAPTER_OTHER_BASE")).toBe(false);
  });

  test("each profile is answered with its own adapter", async () => {
    await using rig = await AdaptationRig.make(NO_MICRO);
    const one = await rig.consentingProfile();
    await rig.tell(one, gardenTurns(TURNS));
    await rig.service.start();
    await rig.trainNow();
    const version = rig.service.activeVersion;
    const { id: two } = await rig.opened.archive.create("two");
    await rig.opened.archive.select(two);
    await rig.service.profileChanged();
    expect([rig.service.activeVersion, rig.used.at(-1)]).toEqual([null, null]);
    await rig.opened.archive.select(one);
    await rig.service.profileChanged();
    expect(rig.service.activeVersion).toBe(version);
  });

  test("due by itself: 10 new turns and a quiet minute; a clock set back a year neither hurries nor blocks it", async () => {
    await using rig = await AdaptationRig.make(NO_MICRO);
    const profileId = await rig.consentingProfile();
    await rig.service.start();
    await rig.tell(profileId, gardenTurns(TURNS));
    await rig.clock.advance(50_000);
    expect(rig.jobs).toEqual([]);
    rig.clock.jumpWallClock(-365 * 24 * 3_600_000);
    await rig.clock.advance(40_000);
    await rig.jobOver(0);
    expect(rig.service.activeVersion).not.toBeNull();
    const from = rig.jobs.length;
    await rig.tell(
      profileId,
      Array.from({ length: 10 }, (_, i) => gardenTurn(TURNS + i)),
    );
    await rig.clock.advance(600_000);
    expect((await rig.service.status()).eligibility.reasons).toEqual(["too_soon"]);
    rig.clock.jumpWallClock(-24 * 3_600_000);
    await rig.clock.advance(60_000);
    await rig.jobOver(from);
    expect(rig.jobs.slice(from)).toContain("evaluating");
  });
});
