import { describe, expect, it } from "vitest";
import { PhaseTracker } from "../../../../src/runtime/dialog/phase.ts";
import { IdleMemory } from "../../../../src/runtime/service/idle-memory.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

async function started() {
  const clock = new FakeClock();
  const phase = new PhaseTracker(clock, (_event, error) => {
    throw error;
  });
  let givenBack = 0;
  const memory = new IdleMemory({
    phase,
    clock,
    giveBack: () => {
      givenBack += 1;
    },
  });
  await memory.start();
  return { clock, phase, memory, times: () => givenBack };
}

describe("memory of an idle device", () => {
  it("is given back half a minute after a conversation, then every hour", async () => {
    const { clock, phase, times } = await started();
    phase.enter("thinking");
    phase.enter("idle");
    await clock.advance(29_999);
    expect(times()).toBe(0);
    await clock.advance(1);
    expect(times()).toBe(1);
    await clock.advance(3_599_999);
    expect(times()).toBe(1);
    await clock.advance(1);
    expect(times()).toBe(2);
    await clock.advance(3_600_000);
    expect(times()).toBe(3);
  });

  it("is given back every hour too when nobody has spoken since the start", async () => {
    const { clock, times } = await started();
    await clock.advance(7_200_000);
    expect(times()).toBe(2);
  });

  it("waits while somebody goes on speaking", async () => {
    const { clock, phase, times } = await started();
    phase.enter("thinking");
    phase.enter("idle");
    await clock.advance(20_000);
    phase.enter("listening");
    await clock.advance(60_000);
    expect(times()).toBe(0);
    phase.enter("idle");
    await clock.advance(30_000);
    expect(times()).toBe(1);
  });

  it("is left alone by a device that was stopped", async () => {
    const { clock, phase, memory, times } = await started();
    phase.enter("thinking");
    phase.enter("idle");
    await memory.stop();
    phase.enter("thinking");
    phase.enter("idle");
    await clock.advance(60_000);
    expect(times()).toBe(0);
  });
});
