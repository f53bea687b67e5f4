import type { RequestOf, ResponseOf, Verb } from "../../runtime/mqtt/requests.ts";
import type { Wire } from "../wire.ts";

export type LinkStatus =
  | { readonly kind: "connecting" }
  | { readonly kind: "connected" }
  /** It tries again by itself. */
  | { readonly kind: "lost" }
  /** It does not: the token or the account is not accepted. */
  | { readonly kind: "refused" };

/** Answer to a request, as it came over the wire. */
export type Answer<V extends Verb> =
  | { readonly status: "ok"; readonly data: Wire<ResponseOf<V>> }
  | { readonly status: "error"; readonly code: string; readonly error: string; readonly hint: string };

export interface LinkHandlers {
  /** @param path below `<base>/<id>/`; an empty payload deletes what was retained. */
  message(deviceId: string, path: string, payload: string): void;
  /** A figure of the time before the connection, to be plotted; only the device's own page gets them. */
  past(path: string, payload: string, atMs: number): void;
  status(status: LinkStatus): void;
  /** The connection was made anew: everything retained follows, what does not follow is gone. */
  reset(): void;
}

/** How this page hears of devices and asks them for something: the same topics and payloads over either way. */
export interface Link {
  /** Hears everything that this device publishes, null = no device in particular. */
  watch(deviceId: string | null): void;
  /** Never rejects: no answer is an answer, too. */
  request<V extends Verb>(deviceId: string, verb: V, fields: Wire<RequestOf<V>>): Promise<Answer<V>>;
  close(): void;
}

/** Longest wait for an answer; the longest request (`training/start`) takes a second. */
export const ANSWER_MS = 10_000;

export function noAnswer(hint: string): { status: "error"; code: string; error: string; hint: string } {
  return { status: "error", code: "", error: "No answer", hint };
}

/** The answer in a payload, or null when it is none. */
export function parseAnswer(text: string): { transaction: unknown; answer: Answer<never> } | null {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== "object" || parsed === null || !("status" in parsed)) return null;
    const { transaction, data, code, error, hint } = parsed as Record<string, unknown>;
    if (parsed.status === "ok") return { transaction, answer: { status: "ok", data: data as never } };
    const words = { code: String(code ?? ""), error: String(error ?? "Failed"), hint: String(hint ?? "") };
    return { transaction, answer: { status: "error", ...words } };
  } catch {
    return null;
  }
}
