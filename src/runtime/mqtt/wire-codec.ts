import { AppError } from "../../core/errors.ts";

/** Wall-clock fields: epoch ms in code, ISO 8601 UTC on the wire. */
const TIME_FIELDS: ReadonlyMap<string, string> = new Map([
  ["atMs", "at"],
  ["sinceMs", "since"],
  ["createdAtMs", "created_at"],
  ["trainedAtMs", "trained_at"],
]);

const snakeCase = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;

/** Wire name of a field: `micMuted` is `mic_muted`, `sinceMs` is `since`. */
export function wireName(field: string): string {
  return TIME_FIELDS.get(field) ?? field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** JSON text of a validated payload: snake_case names at every depth, times as ISO 8601 UTC. */
export function toWire(payload: object): string {
  return JSON.stringify(wireValue(payload));
}

function wireValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(wireValue);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(([name, field]) => {
    const isTime = TIME_FIELDS.has(name) && typeof field === "number";
    return [wireName(name), isTime ? new Date(field).toISOString() : wireValue(field)];
  });
  return Object.fromEntries(fields);
}

/**
 * The object that came over the wire, its top-level names in camelCase; an empty payload is an empty object. Values
 * are as yet unchecked.
 *
 * @throws AppError E_REQUEST_INVALID when it is not a JSON object with snake_case names. The message quotes nothing.
 */
export function fromWire(payload: Uint8Array): Record<string, unknown> {
  if (payload.length === 0) return {};
  const parsed = parseJson(payload);
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new AppError("E_REQUEST_INVALID", "the payload is not a JSON object");
  }
  const fields = Object.entries(parsed).map(([name, value]) => {
    if (!snakeCase.test(name)) throw new AppError("E_REQUEST_INVALID", "a field name is not snake_case");
    return [name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()), value];
  });
  return Object.fromEntries(fields);
}

function parseJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    // The parser's own message quotes the text, so it is not kept as the cause.
    throw new AppError("E_REQUEST_INVALID", "the payload is not JSON in UTF-8");
  }
}
