import { describe, expect, test } from "vitest";
import { INITIAL_HEALTH, type MicrophoneCondition, microphoneHealth } from "../../../src/sensors/microphone-health.ts";
import { FRAME_MS, FRAME_SAMPLES } from "../../../src/sensors/ports.ts";
import { roomFrames } from "../../support/speech-clips.ts";

const zeros = new Int16Array(FRAME_SAMPLES);
const [room = zeros] = roomFrames(1);
const overdriven = Int16Array.from({ length: FRAME_SAMPLES }, (_, i) => (i % 10 === 0 ? 32_767 : 1_000));

/** Condition after each frame; frames come every `everyMs`. */
function conditions(frames: readonly Int16Array[], everyMs = FRAME_MS, speed = 1): MicrophoneCondition[] {
  let health = INITIAL_HEALTH;
  return frames.map((frame, i) => {
    health = microphoneHealth(health, frame, i * everyMs, speed);
    return health.condition;
  });
}

const repeat = (frame: Int16Array, count: number) => Array.from({ length: count }, () => frame);

describe("microphone health", () => {
  test("a quiet room at the right rate is ok for a minute", () => {
    expect(new Set(conditions(repeat(room, 1_900)))).toEqual(new Set(["ok"]));
  });

  test("nothing but zeros is silent after 3 s, and ok with the first sound", () => {
    const seen = conditions([...repeat(zeros, 100), room]);
    expect(seen.indexOf("silent")).toBe(93);
    expect(seen.at(-1)).toBe("ok");
  });

  test("full scale in 10 % of the samples is clipped after 2 s, and ok 2 s after it ends", () => {
    const seen = conditions([...repeat(overdriven, 63), ...repeat(room, 126)]);
    expect(seen[61]).toBe("ok");
    expect(seen[62]).toBe("clipped");
    expect(seen.at(-1)).toBe("ok");
  });

  test.each([
    [48_000, "wrong_rate"],
    [44_100, "wrong_rate"],
    [8_000, "wrong_rate"],
    [16_050, "ok"],
  ] as const)("a device that runs at %i Hz is %s after 20 s of audio", (rateHz, expected) => {
    expect(conditions(repeat(room, 640), (FRAME_MS * 16_000) / rateHz).at(-1)).toBe(expected);
  });

  test("a board that was held up for 8 s and then catches up is ok", () => {
    let health = INITIAL_HEALTH;
    const seen = new Set<MicrophoneCondition>();
    for (let i = 0; i < 1_900; i++) {
      const heldUpUntilMs = i >= 100 && i < 350 ? 350 * FRAME_MS : 0; // a window begins with the backlog
      health = microphoneHealth(health, room, Math.max(i * FRAME_MS, heldUpUntilMs));
      seen.add(health.condition);
    }
    expect(seen).toEqual(new Set(["ok"]));
  });

  test("a virtual microphone at 8 times the speed is ok", () => {
    expect(conditions(repeat(room, 700), FRAME_MS / 8, 8).at(-1)).toBe("ok");
  });
});
