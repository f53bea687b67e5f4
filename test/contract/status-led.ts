import { expect, test } from "vitest";
import type { StatusLed } from "../../src/sensors/ports.ts";

/** A light and an eye. */
export interface LedRig extends AsyncDisposable {
  readonly led: StatusLed;
  isLit(): Promise<boolean> | boolean;
}

/** What every status light must do. It is dark at first. */
export function statusLedContract(make: () => Promise<LedRig>): void {
  test("lights up, stays lit when set again, and goes dark", async () => {
    await using rig = await make();
    const { led } = rig;
    const isLit = () => rig.isLit();
    await led.set(true);
    expect(await isLit()).toBe(true);
    await led.set(true);
    expect(await isLit()).toBe(true);
    await led.set(false);
    expect(await isLit()).toBe(false);
    await led[Symbol.asyncDispose]();
  });

  test("follows 20 changes in order", async () => {
    await using rig = await make();
    const { led } = rig;
    const isLit = () => rig.isLit();
    for (let i = 0; i < 20; i++) {
      await led.set(i % 2 === 0);
      expect(await isLit()).toBe(i % 2 === 0);
    }
    await led[Symbol.asyncDispose]();
  });

  test("is dark after it was disposed of while lit", async () => {
    await using rig = await make();
    const { led } = rig;
    const isLit = () => rig.isLit();
    await led.set(true);
    await led[Symbol.asyncDispose]();
    expect(await isLit()).toBe(false);
  });

  test("can be disposed of without having been lit", async () => {
    await using rig = await make();
    const { led } = rig;
    const isLit = () => rig.isLit();
    await led[Symbol.asyncDispose]();
    await led[Symbol.asyncDispose]();
    expect(await isLit()).toBe(false);
  });
}
