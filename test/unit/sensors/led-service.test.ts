import { expect, test } from "vitest";
import { AppError } from "../../../src/core/errors.ts";
import { type LogFields, type Logger, silentLogger } from "../../../src/core/logger.ts";
import { LedService } from "../../../src/sensors/led-service.ts";
import type { StatusLed } from "../../../src/sensors/ports.ts";
import { VirtualLed } from "../../../src/sensors/virtual-led.ts";
import { FakeClock } from "../../support/fake-clock.ts";

function parts(open?: () => Promise<StatusLed>) {
  const clock = new FakeClock();
  const seen: string[] = [];
  const led = new VirtualLed((on) => seen.push(`${on ? "+" : "-"}${clock.monotonicMs()}`));
  const warnings: LogFields[] = [];
  const log: Logger = { ...silentLogger, warn: (fields) => warnings.push(fields) };
  return { clock, seen, led, warnings, service: new LedService({ open: open ?? (async () => led), clock, log }) };
}

test("thinking blinks at 4 Hz from the moment it is shown, idle makes it dark at once", async () => {
  const { clock, seen, service } = parts();
  await service.start();
  await clock.advance(1000);
  service.show("thinking");
  await clock.advance(400);
  service.show("idle");
  await clock.advance(1000);
  expect(seen).toEqual(["+1000", "-1125", "+1250", "-1375"]);
});

test("a sign shown again goes on undisturbed", async () => {
  const { clock, seen, service } = parts();
  await service.start();
  service.show("speaking");
  await clock.advance(400);
  service.show("speaking");
  await clock.advance(200);
  expect(seen).toEqual(["+0", "-500"]);
});

test("a sign shown before the start is the first one seen", async () => {
  const { clock, seen, service } = parts();
  service.show("listening");
  await clock.advance(50);
  await service.start();
  await clock.advance(0);
  expect(seen).toEqual(["+50"]);
});

test("stop leaves the light dark and no timer behind", async () => {
  const { clock, led, service } = parts();
  await service.start();
  service.show("thinking");
  await clock.advance(10);
  await service.stop();
  await service.stop();
  expect(led.isOn).toBe(false);
  expect(clock.pendingTimers).toBe(0);
  service.show("listening");
  await clock.advance(1000);
  expect(led.isOn).toBe(false);
});

test("a light that cannot be opened fails the start, and a later start works", async () => {
  let isThere = false;
  const { service, led, clock } = parts(async () => {
    if (!isThere) throw new AppError("E_GPIO_UNAVAILABLE", "no chip");
    return led;
  });
  service.show("listening");
  await expect(service.start()).rejects.toMatchObject({ code: "E_GPIO_UNAVAILABLE" });
  isThere = true;
  await service.start();
  await clock.advance(0);
  expect(led.isOn).toBe(true);
});

test("a light that fails 8 times in a second is one warning", async () => {
  const { clock, warnings, service } = parts(async () => ({
    set: async () => {
      throw new AppError("E_GPIO_UNAVAILABLE", "line is gone");
    },
    [Symbol.asyncDispose]: async () => {},
  }));
  await service.start();
  service.show("thinking");
  await clock.advance(1000);
  expect(warnings).toEqual([{ code: "E_GPIO_UNAVAILABLE" }]);
});
