import { describe, expect, test } from "vitest";
import { CLOSED_GATE, levelGate, OPEN_GATE } from "../../../src/sensors/level-gate.ts";

/** Which of these frame levels pass. */
function passes(levels: readonly number[], from = OPEN_GATE): boolean[] {
  let gate = from;
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

  test("opens on the third frame that is 3 dB over the noise, and stays open for 1 s after", () => {
    const open = passes([...repeat(50, 300), ...repeat(75, 3), ...repeat(50, 60)]);
    expect(open.slice(290, 302).some(Boolean)).toBe(false);
    expect(open.slice(302, 333).every(Boolean)).toBe(true);
    expect(open.slice(336).some(Boolean)).toBe(false);
  });

  test("a voice with gaps opens it, knocks of 64 ms every half second do not", () => {
    const room = repeat(50, 300);
    expect(passes([...room, 75, 75, 50, 75, 75]).at(-1)).toBe(true);
    const knocks = Array.from({ length: 20 }, () => [300, 300, ...repeat(50, 14)]).flat();
    expect(
      passes([...room, ...knocks])
        .slice(300)
        .some(Boolean),
    ).toBe(false);
  });

  test("a service that has just begun to hear a quiet room finds nothing to look at", () => {
    expect(passes(repeat(6, 300), CLOSED_GATE).some(Boolean)).toBe(false);
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
    expect(open[202]).toBe(true);
    expect(open.at(-1)).toBe(false);
  });
});
