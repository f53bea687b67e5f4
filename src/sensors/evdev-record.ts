/** Size of struct input_event: two longs of time, then type, code and value. */
export type EvdevRecordBytes = 16 | 24;

const EV_SYN = 0;
const EV_KEY = 1;
const SYN_DROPPED = 3;
const VALUE_REPEAT = 2;

export type EvdevEvent =
  | { readonly kind: "key"; readonly code: number; readonly pressed: boolean }
  /** The kernel's buffer overflowed: what was down may be up again. */
  | { readonly kind: "dropped" };

/** 16 bytes where longs have 32 bits (32-bit Raspberry Pi OS), else 24. */
export function evdevRecordBytes(architecture: string): EvdevRecordBytes {
  return architecture === "arm" || architecture === "ia32" || architecture === "mipsel" ? 16 : 24;
}

/**
 * Cuts the bytes of an input device into key events; auto-repeat and everything else is left out.
 * @see linux/input.h and linux/input-event-codes.h
 */
export class EvdevReader {
  readonly #recordBytes: EvdevRecordBytes;
  #held: Buffer = Buffer.alloc(0);

  constructor(recordBytes: EvdevRecordBytes) {
    this.#recordBytes = recordBytes;
  }

  accept(chunk: Buffer): EvdevEvent[] {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const events: EvdevEvent[] = [];
    let at = 0;
    for (; at + this.#recordBytes <= bytes.length; at += this.#recordBytes) {
      const event = this.#event(bytes, at + this.#recordBytes - 8);
      if (event !== null) events.push(event);
    }
    this.#held = Buffer.from(bytes.subarray(at));
    return events;
  }

  #event(bytes: Buffer, at: number): EvdevEvent | null {
    const type = bytes.readUInt16LE(at);
    const code = bytes.readUInt16LE(at + 2);
    const value = bytes.readInt32LE(at + 4);
    if (type === EV_SYN && code === SYN_DROPPED) return { kind: "dropped" };
    if (type !== EV_KEY || value === VALUE_REPEAT) return null;
    return { kind: "key", code, pressed: value !== 0 };
  }
}
