import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isAppError } from "../../../src/core/errors.ts";
import { decodeWav, encodeWav } from "../../../src/core/wav.ts";

const tone = Int16Array.from({ length: 100 }, (_, i) => Math.round(20_000 * Math.sin(i / 5)));

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (isAppError(error)) return error.code;
    throw error;
  }
  return "no error";
}

describe("WAV", () => {
  test("any mono audio comes back sample for sample with its rate", () => {
    fc.assert(
      fc.property(
        fc.int16Array({ minLength: 1, maxLength: 400 }),
        fc.integer({ min: 8_000, max: 48_000 }),
        (samples, sampleRateHz) => {
          const audio = decodeWav(encodeWav({ samples, sampleRateHz }), "clip");
          expect(audio.sampleRateHz).toBe(sampleRateHz);
          expect([...audio.samples]).toEqual([...samples]);
        },
      ),
    );
  });

  test("averages two channels into one", () => {
    const bytes = encodeWav({ samples: Int16Array.of(100, 300, -50, -150), sampleRateHz: 16_000 });
    new DataView(bytes.buffer).setUint16(22, 2, true);
    expect([...decodeWav(bytes, "clip").samples]).toEqual([200, -100]);
  });

  test("skips chunks it does not know, with their padding byte", () => {
    const plain = encodeWav({ samples: tone, sampleRateHz: 16_000 });
    const list = Uint8Array.from([..."LIST"].map((c) => c.charCodeAt(0)).concat([3, 0, 0, 0, 1, 2, 3, 0]));
    const bytes = new Uint8Array([...plain.subarray(0, 36), ...list, ...plain.subarray(36)]);
    expect([...decodeWav(bytes, "clip").samples]).toEqual([...tone]);
  });

  test.each([0, 0xffff_ffff])("a streamed file with declared size %i is read to its end", (declared) => {
    const bytes = encodeWav({ samples: tone, sampleRateHz: 16_000 });
    new DataView(bytes.buffer).setUint32(40, declared, true);
    expect(decodeWav(bytes, "clip").samples).toHaveLength(100);
  });

  test("zero bytes, a cut header, a cut body and an empty body are E_WAV_INVALID", () => {
    const bytes = encodeWav({ samples: tone, sampleRateHz: 16_000 });
    for (const cut of [0, 11, 30, 44, 100]) {
      expect(codeOf(() => decodeWav(bytes.subarray(0, cut), "clip"))).toBe("E_WAV_INVALID");
    }
    expect(codeOf(() => decodeWav(encodeWav({ samples: new Int16Array(0), sampleRateHz: 16_000 }), "clip"))).toBe(
      "E_WAV_INVALID",
    );
  });

  test("8-bit and float audio are E_WAV_UNSUPPORTED", () => {
    const eight = encodeWav({ samples: tone, sampleRateHz: 16_000 });
    new DataView(eight.buffer).setUint16(34, 8, true);
    const float = encodeWav({ samples: tone, sampleRateHz: 16_000 });
    new DataView(float.buffer).setUint16(20, 3, true);
    expect(codeOf(() => decodeWav(eight, "clip"))).toBe("E_WAV_UNSUPPORTED");
    expect(codeOf(() => decodeWav(float, "clip"))).toBe("E_WAV_UNSUPPORTED");
  });

  test("no cut of a valid file makes it throw anything but a coded error", () => {
    const bytes = encodeWav({ samples: tone, sampleRateHz: 16_000 });
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(43), fc.nat(255), (cut, at, value) => {
        const broken = bytes.slice(0, cut);
        if (at < cut) broken[at] = value;
        expect(codeOf(() => decodeWav(broken, "clip"))).toMatch(/^(no error|E_WAV_)/);
      }),
    );
  });
});
