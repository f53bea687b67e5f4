import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { AdaptationRig } from "../../support/adaptation-rig.ts";
import { describeWhen } from "../../support/describe-when.ts";
import { gardenTurns } from "../../support/gardener.ts";
import { lacksTrainer } from "../../support/trainer-rig.ts";

describeWhen(lacksTrainer, "adaptation", () => {
  test("30 turns of one person: trained, let through, swapped in, and the newest corrections on top of it", async () => {
    await using rig = await AdaptationRig.make();
    const profileId = await rig.consentingProfile();
    await rig.tell(profileId, gardenTurns(30));
    await rig.service.start();
    await rig.trainNow();
    expect(rig.jobs.slice(0, 5)).toEqual(["preparing", "training", "evaluating", "staged", "active"]);
    const listings = await rig.store.list(profileId, rig.base.sha256);
    const full = listings.find(({ manifest }) => manifest.kind === "full");
    expect(full?.manifest.gate).toMatchObject({ promoted: true, reasons: [] });
    expect(full?.manifest.gate.heldOut.high).toBeLessThan(0);
    expect(full?.manifest.heldOutInteractionIds).toHaveLength(6);
    expect(rig.service.activeVersion).not.toBeNull();
    const path = rig.used.at(-1);
    expect((await readFile(path ?? "")).subarray(0, 4).toString()).toBe("GGUF");
  });
});
