import { expect, test } from "vitest";
import { silentLogger } from "../../../src/core/logger.ts";
import { GestureService } from "../../../src/sensors/gesture-service.ts";
import { VirtualButtons } from "../../../src/sensors/virtual-buttons.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const policy = { debounceMs: 20, holdMs: 1500, doubleMs: 350 };

async function started(overrides: ConstructorParameters<typeof GestureService>[0]["overrides"] = {}) {
  const clock = new FakeClock();
  const input = new VirtualButtons(clock);
  const service = new GestureService({ input, clock, logger: silentLogger, policy, overrides });
  const seen: string[] = [];
  service.on("gesture", (gesture) => seen.push(`${gesture.button} ${gesture.kind} ${gesture.atMs}`));
  service.on("contact", ({ button, pressed, atMs }) => seen.push(`${button} ${pressed ? "down" : "up"} ${atMs}`));
  await service.start(new AbortController().signal);
  return { clock, input, service, seen };
}

test("a short press of talk is reported 350 ms after its release, its contact at once", async () => {
  const { clock, input, seen } = await started();
  const pressed = input.press("talk");
  expect(seen).toEqual(["talk down 0"]);
  await clock.advance(80);
  await pressed;
  await clock.advance(349);
  expect(seen).toEqual(["talk down 0", "talk up 80"]);
  await clock.advance(1);
  expect(seen).toEqual(["talk down 0", "talk up 80", "talk press 430"]);
});

test("a button held for 2 s is a hold at 1500 ms, without waiting for the release", async () => {
  const { clock, input, seen } = await started();
  void input.press("down", 2000);
  await clock.advance(1500);
  expect(seen).toEqual(["down down 0", "down hold 1500"]);
});

test("a button with doubleMs 0 of its own presses at the release while the others wait", async () => {
  const { clock, input, seen } = await started({ up: { ...policy, doubleMs: 0 } });
  void input.press("up");
  void input.press("down");
  await clock.advance(80);
  expect(seen.filter((line) => line.includes("press"))).toEqual(["up press 80"]);
});

test("after stop no gesture is reported and no timer is left", async () => {
  const { clock, input, service, seen } = await started();
  input.set("talk", true);
  expect(clock.pendingTimers).toBe(1);
  await service.stop();
  await service.stop();
  expect(clock.pendingTimers).toBe(0);
  input.set("talk", false);
  await clock.advance(5000);
  expect(seen).toEqual(["talk down 0"]);
});

test("a handler that throws does not keep the others from hearing of the gesture", async () => {
  const { clock, input, service, seen } = await started();
  service.on("contact", () => {
    throw new Error("broken handler");
  });
  service.on("contact", () => seen.push("second handler"));
  input.set("talk", true);
  await clock.advance(0);
  expect(seen).toEqual(["talk down 0", "second handler"]);
});
