import { expect, test } from "vitest";
import { AdaptationRig, QUICK_SETTINGS } from "../../support/adaptation-rig.ts";
import { describeWhen } from "../../support/describe-when.ts";
import { gardenTurn } from "../../support/gardener.ts";
import { lacksTrainer } from "../../support/trainer-rig.ts";

/** Two domains in turn, each with its own manner. */
function twoDomains(count: number) {
  return Array.from({ length: count }, (_, n) => {
    const turn = gardenTurn(n);
    return n % 3 === 0 ? { ...turn, domain: "lights" as const } : { ...turn, domain: "home" as const };
  });
}

const policy = { minNewInteractions: 10, minInteractions: 10, quietMs: 0, minIntervalMs: 3_600_000 };
/** The general one stops early, so that there is something left to learn of a domain. */
const settings = { ...QUICK_SETTINGS, maxPasses: 1, task: { lr: 4e-3, passes: 2, minInteractions: 20 } };

describeWhen(lacksTrainer, "task adapters", () => {
  test("one per domain with enough turns, over the general one; it answers its domain alone and goes with a row", async () => {
    await using rig = await AdaptationRig.make({
      config: { microUpdates: false, taskAdapters: true, policy },
      settings,
    });
    const profileId = await rig.consentingProfile();
    const ids = await rig.tell(profileId, twoDomains(30));
    await rig.service.start(); // quiet enough: the full job begins by itself
    await rig.jobOver(0, 2);
    const [full, task, ...others] = (await rig.store.list(profileId, null))
      .map((listing) => ({ ...listing, ...listing.manifest }))
      .toSorted((a, b) => a.kind.localeCompare(b.kind));
    expect(others).toEqual([]); // lights has 10 turns
    expect(task).toMatchObject({ kind: "task", domain: "home", parent: full?.version, state: "active" });
    expect(task?.gate).toMatchObject({ promoted: true, safety: { passed: true } });
    expect(task?.trainedInteractionIds).toEqual(expect.arrayContaining([...(full?.trainedInteractionIds ?? [])]));
    expect(task?.heldOutInteractionIds.every((id) => ids.indexOf(id) % 3 !== 0)).toBe(true);

    expect(rig.service.activeVersion).toBe(full?.version);
    await rig.service.routeTo("home");
    expect([rig.service.activeVersion, rig.service.generalVersion]).toEqual([task?.version, full?.version]);
    expect(rig.used.at(-1)).toContain(task?.sha256);
    await rig.service.routeTo("climate");
    expect(rig.service.activeVersion).toBe(full?.version);
    await rig.service.setGuest(true);
    await rig.service.routeTo("home");
    expect([rig.service.activeVersion, rig.used.at(-1)]).toEqual([null, null]);
    await rig.service.setGuest(false);
    expect(rig.service.activeVersion).toBe(task?.version);

    const [first = ""] = ids;
    const from = rig.jobs.length;
    await rig.opened.archive.deleteInteraction(first);
    const revoked = await rig.service.interactionsDeleted([first]);
    expect(revoked.toSorted()).toEqual([full?.version, task?.version].toSorted());
    expect([rig.service.activeVersion, rig.used.at(-1)]).toEqual([null, null]);
    await rig.jobOver(from, 2);
    const rebuilt = await rig.store.active(profileId, rig.base.sha256);
    const again = await rig.store.active(profileId, rig.base.sha256, "home");
    expect(again?.parent).toBe(rebuilt?.version);
    expect(again?.trainedInteractionIds).not.toContain(first);
    expect(rig.service.activeVersion).toBe(again?.version);

    // No task adapter answers over a version that is not in use.
    expect(await rig.service.rollback()).toBeNull();
    expect(rig.used.at(-1)).toBeNull();
    expect(rig.alerts.has("E_ADAPTER_OTHER_BASE")).toBe(false);
  }, 480_000);
});
