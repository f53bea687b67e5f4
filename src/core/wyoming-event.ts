import { AppError } from "./errors.ts";

/** One event of the Wyoming protocol: a type, JSON data and bytes (PCM, as a rule). */
export interface WyomingEvent {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly payload: Uint8Array;
}

const NEWLINE = 0x0a;
const MAX_HEADER_BYTES = 65_536;
/** For data and payload each: a server sends audio in pieces far smaller than this. */
const MAX_PART_BYTES = 4 * 1024 * 1024;

/**
 * The bytes of an event: a JSON line, then the data, then the payload.
 * @see https://github.com/OHF-Voice/wyoming#format
 */
export function encodeWyomingEvent(
  type: string,
  data: Readonly<Record<string, unknown>> = {},
  payload: Uint8Array = new Uint8Array(0),
): Buffer {
  const dataBytes = Buffer.from(JSON.stringify(data), "utf8");
  const header = {
    type,
    data_length: dataBytes.length,
    ...(payload.length > 0 ? { payload_length: payload.length } : {}),
  };
  return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`, "utf8"), dataBytes, payload]);
}

/** Cuts a byte stream into events, however it arrives. Data in the header and after it are merged, the latter wins. */
export class WyomingReader {
  readonly #onEvent: (event: WyomingEvent) => void;
  #held: Buffer = Buffer.alloc(0);
  #header: Header | null = null;

  constructor(onEvent: (event: WyomingEvent) => void) {
    this.#onEvent = onEvent;
  }

  /** @throws AppError E_WYOMING_PROTOCOL on anything but the protocol, or parts past 4 MiB; the stream is useless then. */
  accept(chunk: Uint8Array): void {
    this.#held = this.#held.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#held, chunk]);
    while (this.#takeEvent()) {
      // until the rest is incomplete
    }
  }

  #takeEvent(): boolean {
    this.#header ??= this.#takeHeader();
    const header = this.#header;
    if (header === null) return false;
    const sizeBytes = header.dataLength + header.payloadLength;
    if (this.#held.length < sizeBytes) return false;
    const data = this.#held.subarray(0, header.dataLength);
    const payload = Buffer.from(this.#held.subarray(header.dataLength, sizeBytes));
    this.#held = this.#held.subarray(sizeBytes);
    this.#header = null;
    const extra = data.length === 0 ? {} : parseObject(data, "data");
    this.#onEvent({ type: header.type, data: { ...header.data, ...extra }, payload });
    return true;
  }

  #takeHeader(): Header | null {
    const end = this.#held.indexOf(NEWLINE);
    if (end > MAX_HEADER_BYTES || (end < 0 && this.#held.length > MAX_HEADER_BYTES)) {
      throw protocolError(`a header is longer than ${MAX_HEADER_BYTES} bytes`);
    }
    if (end < 0) return null;
    const fields = parseObject(this.#held.subarray(0, end), "header");
    this.#held = this.#held.subarray(end + 1);
    const type = fields.type;
    if (typeof type !== "string") throw protocolError("a header has no type");
    const data = fields.data ?? {};
    if (!isRecord(data)) throw protocolError("a header's data is not an object");
    return { type, data, dataLength: length(fields.data_length), payloadLength: length(fields.payload_length) };
  }
}

interface Header {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly dataLength: number;
  readonly payloadLength: number;
}

function length(value: unknown): number {
  if (value === undefined || value === null) return 0;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_PART_BYTES) return value;
  throw protocolError("a length is no whole number within 4 MiB");
}

function parseObject(bytes: Buffer, what: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch {
    // no cause: JSON.parse quotes the text it choked on
    throw protocolError(`the ${what} is not JSON`);
  }
  if (!isRecord(value)) throw protocolError(`the ${what} is not a JSON object`);
  return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function protocolError(message: string): AppError {
  return new AppError("E_WYOMING_PROTOCOL", message);
}
