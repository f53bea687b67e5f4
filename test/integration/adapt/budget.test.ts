import { expect, test } from "vitest";
import type { Trainer, TrainerLimits, TrainerRun } from "../../../src/adapt/ports.ts";
import { AdaptationRig } from "../../support/adaptation-rig.ts";
import { describeWhen } from "../../support/describe-when.ts";
import { eventually } from "../../support/eventually.ts";
import { gardenTurns } from "../../support/gardener.ts";
import { processorNs, turns } from "../../support/processor-time.ts";
import { lacksTrainer, realTrainer } from "../../support/trainer-rig.ts";

/** The real trainer, with a note of every limit that a run is given while it runs. */
function notedTrainer(): { trainer: Trainer; given: TrainerLimits[]; run(): TrainerRun | null } {
  const inner = realTrainer();
  const given: TrainerLimits[] = [];
  let current: TrainerRun | null = null;
  const trainer: Trainer = {
    run: (job, options) => {
      const run = inner.run(job, options);
      const setLimits = run.setLimits.bind(run);
      run.setLimits = (limits) => {
        given.push(limits);
        setLimits(limits);
      };
      current = run;
      return run;
    },
  };
  return { trainer, given, run: () => current };
}

describeWhen(lacksTrainer, "the governor's budget", () => {
  test("threads and duty reach the running trainer in the same moment; duty 0 takes it off the processor", async () => {
    let budget = { duty: 1, threads: 1, reason: "test" };
    const { trainer, given, run } = notedTrainer();
    await using rig = await AdaptationRig.make({
      deps: { trainer, budget: () => budget },
      config: { microUpdates: false },
    });
    await rig.tell(await rig.consentingProfile(), gardenTurns(15));
    await rig.service.start();
    const atWork = new Promise<void>((resolve) => {
      // Steps of a training, which goes on for long; a measurement may end with its first progress.
      let mode = "";
      rig.service.on("trainer", (event) => {
        if (event.kind === "plan") mode = event.plan.mode;
        if (event.kind === "progress" && mode === "train") resolve();
      });
    });
    await rig.service.trainNow();
    await atWork;
    budget = { duty: 0.4, threads: 2, reason: "warm" };
    rig.service.budgetChanged();
    expect(given).toEqual([{ duty: 0.4, threads: 2 }]);
    budget = { duty: 0, threads: 0, reason: "on_battery" };
    rig.service.budgetChanged();
    expect(given.at(-1)).toEqual({ duty: 0, threads: 1 });
    const pid = run()?.pid ?? 0;
    let still = 0;
    await eventually(async () => {
      still = processorNs(pid);
      await turns(2_000);
      return processorNs(pid) === still;
    });
    budget = { duty: 1, threads: 1, reason: "none" };
    rig.service.budgetChanged();
    await eventually(() => processorNs(pid) > still);
  });
});
