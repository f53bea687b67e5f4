import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Trainer, TrainerMode, TrainerRun } from "../../../src/adapt/ports.ts";
import { AdaptationRig } from "../../support/adaptation-rig.ts";
import { describeWhen } from "../../support/describe-when.ts";
import { gardenTurns } from "../../support/gardener.ts";
import { lacksTrainer, realTrainer } from "../../support/trainer-rig.ts";

const TURNS = 15;

/** The real trainer whose child is killed once in each mode, at its first progress. */
function killedOnce(killed: TrainerMode[]): Trainer {
  const inner = realTrainer();
  return {
    run: (job, options = {}) => {
      const run: TrainerRun = inner.run(job, {
        ...options,
        onEvent: (event) => {
          if (event.kind === "progress" && !killed.includes(job.mode) && run.pid !== null) {
            killed.push(job.mode);
            process.kill(run.pid, "SIGKILL");
          }
          options.onEvent?.(event);
        },
      });
      return run;
    },
  };
}

describeWhen(lacksTrainer, "adaptation when things fail", () => {
  test("the trainer killed while training and while measuring: the job goes on and comes to the same bytes", async () => {
    const killed: TrainerMode[] = [];
    const versions: (string | null)[] = [];
    for (const trainer of [realTrainer(), killedOnce(killed)]) {
      await using rig = await AdaptationRig.make({ config: { microUpdates: false }, deps: { trainer } });
      const profileId = await rig.consentingProfile();
      await rig.tell(profileId, gardenTurns(TURNS));
      await rig.service.start();
      await rig.trainNow();
      versions.push(rig.service.activeVersion);
    }
    expect(killed.toSorted()).toEqual(["evaluate", "train"]);
    expect(versions[0]).not.toBeNull();
    expect(versions[1]).toBe(versions[0]);
  });

  test("a budget of nothing keeps a job from beginning, and says why", async () => {
    const budget = { duty: 0, threads: 1, reason: "no_mains" };
    await using rig = await AdaptationRig.make({ deps: { budget: () => budget } });
    const profileId = await rig.consentingProfile();
    await rig.tell(profileId, gardenTurns(TURNS));
    await rig.service.start();
    await expect(rig.service.trainNow()).rejects.toMatchObject({
      code: "E_TRAINING_INELIGIBLE",
      details: { reasons: "no_budget" },
    });
    await rig.clock.advance(600_000);
    expect(rig.jobs).toEqual([]);
  });

  test("a run that is cancelled leaves the version in use and can be asked for again", async () => {
    await using rig = await AdaptationRig.make({ config: { microUpdates: false } });
    const profileId = await rig.consentingProfile();
    await rig.tell(profileId, gardenTurns(TURNS));
    await rig.service.start();
    await rig.service.trainNow();
    expect(await rig.service.cancel()).toBe(true);
    expect(await rig.service.cancel()).toBe(false);
    const from = rig.jobs.length;
    await rig.service.trainNow();
    await rig.jobOver(from);
    expect(rig.service.activeVersion).not.toBeNull();
  });
});

const lacksMount = lacksTrainer ?? (process.getuid?.() === 0 ? null : "mounting a small tmpfs needs root");

describeWhen(lacksMount, "adaptation on a full disk", () => {
  test("no space while the candidate is kept: the job fails with E_DISK_FULL, and works once there is space", async () => {
    await using rig = await AdaptationRig.make({ config: { microUpdates: false } });
    const profileId = await rig.consentingProfile();
    await rig.tell(profileId, gardenTurns(TURNS));
    const disk = rig.folder.join("adapters");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", disk]);
    try {
      const filler = `${disk}/filler`;
      writeFileSync(filler, Buffer.alloc(3.9 * 2 ** 20));
      await rig.service.start();
      await rig.trainNow();
      const { lastFull } = await rig.service.status();
      expect(lastFull).toMatchObject({ state: "failed", failure: "E_DISK_FULL" });
      expect(rig.alerts.has("E_DISK_FULL")).toBe(true);
      expect([rig.service.activeVersion, await rig.full(profileId)]).toEqual([null, undefined]);
      rmSync(filler);
      await rig.trainNow();
      expect(rig.service.activeVersion).not.toBeNull();
      expect(rig.alerts.has("E_DISK_FULL")).toBe(false);
    } finally {
      await rig.service.stop();
      execFileSync("umount", ["-l", disk]);
    }
  });
});
