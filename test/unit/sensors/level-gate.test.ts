import { describe, expect, test } from "vitest";
import { levelGate, OPEN_GATE } from "../../../src/sensors/level-gate.ts";

/** Which of these frame levels pass. */
function passes(levels: readonly number[]): boolean[] {
  let gate = OPEN_GATE;
  return levels.map((rms) => {
    const step = levelGate(gate, rms);
    gate = step.gate;
    return step.isOpen;
  });
}

const repeat = (rms: number, count: number) => Array.from({ length: count }, () => rms);

describe("level gate", () => {
  test("is open for the first 3 s, then closes in a room of steady noise", () => {
    const open = passes(repeat(50, 300));
    expect(open.slice(0, 90).every(Boolean)).toBe(true);
    expect(open.slice(100).some(Boolean)).toBe(false);
  });

  test("opens on the very frame that is 3 dB over the noise, and stays open for 1 s after", () => {
    const open = passes([...repeat(50, 300), 75, ...repeat(50, 60)]);
    expect(open[300]).toBe(true);
    expect(open.slice(300, 330).every(Boolean)).toBe(true);
    expect(open.slice(333).some(Boolean)).toBe(false);
  });

  test("digital silence and the last bits of a converter never open it again", () => {
    expect(
      passes([...repeat(0, 200), ...repeat(3, 50)])
        .slice(100)
        .some(Boolean),
    ).toBe(false);
  });

  test("noise that got louder for good lets it close again within 20 s", () => {
    const open = passes([...repeat(50, 200), ...repeat(80, 700)]);
    expect(open[200]).toBe(true);
    expect(open.at(-1)).toBe(false);
  });
});
