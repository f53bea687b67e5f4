import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeWyomingEvent, type WyomingEvent, WyomingReader } from "../../../src/core/wyoming-event.ts";

function read(chunks: readonly Uint8Array[]): WyomingEvent[] {
  const events: WyomingEvent[] = [];
  const reader = new WyomingReader((event) => events.push(event));
  for (const chunk of chunks) reader.accept(chunk);
  return events;
}

const text = (line: string) => Buffer.from(line, "utf8");

test("events survive being written and read back, however the bytes are cut", () => {
  const event = fc.record({
    type: fc.string({ minLength: 1, maxLength: 20 }),
    data: fc.dictionary(fc.string({ maxLength: 8 }), fc.oneof(fc.string(), fc.integer(), fc.boolean())),
    payload: fc.uint8Array({ maxLength: 300 }),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 5 }), fc.integer({ min: 1, max: 50 }), (events, size) => {
      const bytes = Buffer.concat(events.map(({ type, data, payload }) => encodeWyomingEvent(type, data, payload)));
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
      const back = read(chunks);
      expect(back.map(({ type, data, payload }) => ({ type, data: { ...data }, payload: [...payload] }))).toEqual(
        events.map(({ type, data, payload }) => ({ type, data: { ...data }, payload: [...payload] })),
      );
    }),
  );
});

test("data of the header and data after it are one object, the latter wins", () => {
  const [event] = read([text('{"type":"info","data":{"a":1,"b":1},"data_length":7}\n{"b":2}')]);
  expect(event?.data).toEqual({ a: 1, b: 2 });
});

test.each([
  ["no JSON", "GET / HTTP/1.1\r\n"],
  ["no type", "{}\n"],
  ["a list", "[1]\n"],
  ["a negative length", '{"type":"x","payload_length":-1}\n'],
  ["a length of 1 GB", '{"type":"x","payload_length":1000000000}\n'],
  ["data that is no JSON", '{"type":"x","data_length":2}\n!!'],
  ["a header of 70 kB", "x".repeat(70_000)],
])("%s is E_WYOMING_PROTOCOL", (_, line) => {
  expect(() => read([text(line)])).toThrowError(expect.objectContaining({ code: "E_WYOMING_PROTOCOL" }));
});
