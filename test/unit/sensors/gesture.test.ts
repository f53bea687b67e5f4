import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type GestureInput,
  type GestureOutput,
  type GesturePolicy,
  gestureStep,
  initialGestureState,
} from "../../../src/sensors/gesture.ts";

const policy: GesturePolicy = { debounceMs: 20, holdMs: 1500, doubleMs: 350 };

function run(inputs: readonly GestureInput[], used: GesturePolicy = policy): GestureOutput[] {
  let state = initialGestureState;
  const outputs: GestureOutput[] = [];
  for (const input of inputs) {
    const step = gestureStep(state, input, used);
    state = step.state;
    outputs.push(...step.outputs);
  }
  return outputs;
}

const down = (atMs: number): GestureInput => ({ kind: "edge", pressed: true, atMs });
const up = (atMs: number): GestureInput => ({ kind: "edge", pressed: false, atMs });
const time = (atMs: number): GestureInput => ({ kind: "time", atMs });
const gestures = (outputs: readonly GestureOutput[]) => outputs.filter((output) => output.kind !== "contact");

test("a press of 100 ms is one press, certain 350 ms after the release", () => {
  expect(gestures(run([down(0), up(100), time(10_000)]))).toEqual([{ kind: "press", atMs: 450 }]);
});

test("two presses 300 ms apart are one double press at the second release", () => {
  expect(gestures(run([down(0), up(100), down(400), up(480), time(10_000)]))).toEqual([
    { kind: "double_press", atMs: 480 },
  ]);
});

test("two presses 350 ms apart are two presses", () => {
  expect(gestures(run([down(0), up(100), down(450), up(530), time(10_000)]))).toEqual([
    { kind: "press", atMs: 450 },
    { kind: "press", atMs: 880 },
  ]);
});

test("three quick presses are a double press and a press", () => {
  expect(gestures(run([down(0), up(80), down(160), up(240), down(320), up(400), time(10_000)]))).toEqual([
    { kind: "double_press", atMs: 240 },
    { kind: "press", atMs: 750 },
  ]);
});

test("a button held is one hold at 1500 ms and its release is nothing", () => {
  expect(gestures(run([down(0), time(1499)]))).toEqual([]);
  expect(gestures(run([down(0), time(1500), up(4000), time(10_000)]))).toEqual([{ kind: "hold", atMs: 1500 }]);
});

test("a press followed by a hold is a press and a hold, no double press", () => {
  expect(gestures(run([down(0), up(100), down(300), up(3000), time(10_000)]))).toEqual([
    { kind: "press", atMs: 1800 },
    { kind: "hold", atMs: 1800 },
  ]);
});

test("with doubleMs 0 a press is certain at its release", () => {
  expect(gestures(run([down(0), up(100), down(200), up(300)], { ...policy, doubleMs: 0 }))).toEqual([
    { kind: "press", atMs: 100 },
    { kind: "press", atMs: 300 },
  ]);
});

test("eight bounces within 20 ms of both edges are one contact down and one up", () => {
  const bouncing = [down(0), up(2), down(4), up(6), down(8), up(100), down(103), up(105), down(110), up(112)];
  expect(run([...bouncing, time(10_000)])).toEqual([
    { kind: "contact", pressed: true, atMs: 0 },
    { kind: "contact", pressed: false, atMs: 100 },
    { kind: "press", atMs: 450 },
  ]);
});

test("a release within the 20 ms lock is seen when the lock ends", () => {
  expect(run([down(0), up(5), time(1000)])).toEqual([
    { kind: "contact", pressed: true, atMs: 0 },
    { kind: "contact", pressed: false, atMs: 20 },
    { kind: "press", atMs: 370 },
  ]);
});

test("an edge dated before the latest time counts as of now", () => {
  expect(gestures(run([down(1000), time(1500), up(1200), time(10_000)]))).toEqual([{ kind: "press", atMs: 1850 }]);
});

const edges = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 2000 })), { maxLength: 60 }).map((steps) => {
  let atMs = 0;
  return steps.map(([pressed, gapMs]): GestureInput => {
    atMs += gapMs;
    return { kind: "edge", pressed, atMs };
  });
});
const ends = time(10_000_000);

test("extra time inputs change no gesture", () => {
  fc.assert(
    fc.property(edges, fc.array(fc.integer({ min: 0, max: 100_000 })), (inputs, extras) => {
      const mixed = [...inputs, ...extras.map(time)].sort((a, b) => a.atMs - b.atMs);
      expect(run([...mixed, ends])).toEqual(run([...inputs, ends]));
    }),
  );
});

test("contacts alternate, at least the debounce time apart", () => {
  fc.assert(
    fc.property(edges, (inputs) => {
      const contacts = run([...inputs, ends]).flatMap((output) => (output.kind === "contact" ? [output] : []));
      contacts.forEach((contact, i) => {
        expect(contact.pressed).toBe(i % 2 === 0);
        const before = contacts[i - 1];
        if (before) expect(contact.atMs - before.atMs).toBeGreaterThanOrEqual(policy.debounceMs);
      });
    }),
  );
});

test("every contact that went down is counted in exactly one gesture", () => {
  fc.assert(
    fc.property(edges, (inputs) => {
      const outputs = run([...inputs, ends]);
      const downs = outputs.filter((output) => output.kind === "contact" && output.pressed).length;
      const counted = gestures(outputs).reduce((sum, output) => sum + (output.kind === "double_press" ? 2 : 1), 0);
      expect(counted).toBe(downs);
    }),
  );
});

test("the wake time is never in the past and null once nothing is pending", () => {
  fc.assert(
    fc.property(edges, (inputs) => {
      let state = initialGestureState;
      for (const input of inputs) {
        const step = gestureStep(state, input, policy);
        if (step.wakeAtMs !== null) expect(step.wakeAtMs).toBeGreaterThan(input.atMs);
        state = step.state;
      }
      expect(gestureStep(state, ends, policy).wakeAtMs).toBeNull();
    }),
  );
});
