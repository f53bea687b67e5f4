import fc from "fast-check";
import { expect, test } from "vitest";
import { EvdevReader, evdevRecordBytes } from "../../../src/sensors/evdev-record.ts";

/** Bytes of one struct input_event. */
function record(size: 16 | 24, type: number, code: number, value: number): Buffer {
  const bytes = Buffer.alloc(size, 0xab);
  bytes.writeUInt16LE(type, size - 8);
  bytes.writeUInt16LE(code, size - 6);
  bytes.writeInt32LE(value, size - 4);
  return bytes;
}

test.each([16, 24] as const)(
  "reads press and release from records of %i bytes, leaving out SYN, MSC and repeat",
  (size) => {
    const bytes = Buffer.concat([
      record(size, 4, 4, 0x7001e),
      record(size, 1, 582, 1),
      record(size, 0, 0, 0),
      record(size, 1, 582, 2),
      record(size, 1, 582, 0),
    ]);
    expect(new EvdevReader(size).accept(bytes)).toEqual([
      { kind: "key", code: 582, pressed: true },
      { kind: "key", code: 582, pressed: false },
    ]);
  },
);

test("an overflow of the kernel's buffer is told", () => {
  expect(new EvdevReader(24).accept(record(24, 0, 3, 0))).toEqual([{ kind: "dropped" }]);
});

test("events do not depend on how the bytes are cut", () => {
  const keys = fc.array(fc.tuple(fc.nat(600), fc.boolean()), { maxLength: 20 });
  fc.assert(
    fc.property(keys, fc.integer({ min: 1, max: 50 }), fc.constantFrom<16 | 24>(16, 24), (presses, step, size) => {
      const bytes = Buffer.concat(presses.map(([code, pressed]) => record(size, 1, code, pressed ? 1 : 0)));
      const reader = new EvdevReader(size);
      const events = [];
      for (let at = 0; at < bytes.length; at += step) events.push(...reader.accept(bytes.subarray(at, at + step)));
      expect(events).toEqual(presses.map(([code, pressed]) => ({ kind: "key", code, pressed })));
    }),
  );
});

test("records have 16 bytes on 32-bit ARM and 24 on 64-bit boards", () => {
  expect(["arm", "arm64", "x64"].map(evdevRecordBytes)).toEqual([16, 24, 24]);
});
