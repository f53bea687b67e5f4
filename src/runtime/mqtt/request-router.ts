import * as v from "valibot";
import type { Clock } from "../../core/clock.ts";
import { AppError, ERROR_CODES, type ErrorCode, isAppError, toAppError } from "../../core/errors.ts";
import type { Logger } from "../../core/logger.ts";
import { alertMessage } from "./payload-values.ts";
import { RateLimit } from "./rate-limit.ts";
import {
  errorResponse,
  isVerb,
  MAX_REQUEST_BYTES,
  type RequestContext,
  type RequestHandlers,
  type ResponseOf,
  transaction,
  VERBS,
  type Verb,
} from "./requests.ts";
import { fromWire, toWire, wireName } from "./wire-codec.ts";

export interface IncomingRequest {
  /** What follows `request/` in the topic. */
  readonly verb: string;
  readonly payload: Uint8Array;
  /** True when the broker kept it: someone sent it before we were there. */
  readonly retained: boolean;
}

const REMEMBERED_TRANSACTIONS = 64;
const MAX_RUNNING = 8;
const verbName = /^[a-z_]{1,40}(\/[a-z_]{1,40})?$/;

type From = Pick<RequestContext<Verb>, "signal" | "origin">;
type Transaction = v.InferOutput<typeof transaction>;

/**
 * Checks requests, runs their handlers and makes the responses.
 *
 * INVARIANTS: every request that is not retained and has a well-formed verb gets exactly one response per delivery, and
 * a second one only when its handler follows up. A transaction already seen (the last 64) runs nothing again and gets the
 * first response. At most 8 handlers run. A verb runs no oftener than its row says.
 */
export class RequestRouter {
  readonly #respond: (verb: string, payload: string) => void;
  readonly #log: Logger;
  readonly #answers = new Map<string, Promise<string>>();
  readonly #rates: RateLimit;
  #handlers: RequestHandlers | null = null;
  #running = 0;

  /** @param respond publishes to `response/<verb>`. */
  constructor(respond: (verb: string, payload: string) => void, log: Logger, clock: Clock) {
    this.#respond = respond;
    this.#log = log;
    this.#rates = new RateLimit(clock);
  }

  set handlers(handlers: RequestHandlers) {
    this.#handlers = handlers;
  }

  /** The response to a request from inside the process. Never rejects. @param verb whatever was asked for. */
  answer(verb: string, payload: Uint8Array, signal: AbortSignal): Promise<string> {
    return this.#answerOnce(verb, payload, { signal, origin: "dashboard" });
  }

  /** Resolves when the response was handed over; never rejects. */
  async handle(request: IncomingRequest, signal: AbortSignal): Promise<void> {
    const { verb } = request;
    if (request.retained) {
      this.#log.warn({ verb: verbName.test(verb) ? verb : null }, "ignored a retained request");
      return;
    }
    if (!verbName.test(verb)) {
      this.#log.warn({}, "ignored a request on a malformed topic");
      return;
    }
    this.#respond(verb, await this.#answerOnce(verb, request.payload, { signal, origin: "mqtt" }));
  }

  #answerOnce(verb: string, payload: Uint8Array, from: From): Promise<string> {
    const parsed = parseRequest(payload);
    const key = parsed.transaction === undefined ? null : JSON.stringify([verb, parsed.transaction]);
    const known = key === null ? undefined : this.#answers.get(key);
    if (known !== undefined) return known;
    // Not remembered: nothing has run, so the same transaction may be sent again.
    const refused = this.#refusal(verb);
    if (refused !== null) return Promise.resolve(errorText(refused, null, parsed.transaction));
    const first = this.#answer(verb, parsed, from);
    if (key === null) return first;
    this.#answers.set(key, first);
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= REMEMBERED_TRANSACTIONS) break;
      this.#answers.delete(oldest);
    }
    return first;
  }

  #refusal(verb: string): ErrorCode | null {
    if (this.#running >= MAX_RUNNING) return "E_REQUEST_BUSY";
    return isVerb(verb) && !this.#rates.take(verb, VERBS[verb].perMinute) ? "E_REQUEST_RATE" : null;
  }

  async #answer(verb: string, parsed: ParsedRequest, from: From): Promise<string> {
    if (parsed.error !== null) return errorText(parsed.error.code, null, parsed.transaction);
    if (!isVerb(verb) || this.#handlers === null) return errorText("E_REQUEST_UNKNOWN", null, parsed.transaction);
    const fields = v.safeParse(VERBS[verb].request, parsed.fields);
    if (!fields.success) return errorText("E_REQUEST_INVALID", fieldAtFault(verb, fields.issues), parsed.transaction);
    this.#running += 1;
    try {
      const followUp = (data: unknown) => this.#respond(verb, okText(verb, data, parsed.transaction));
      return okText(verb, await call(this.#handlers, verb, fields.output, { ...from, followUp }), parsed.transaction);
    } catch (error) {
      if (!isAppError(error))
        this.#log.error({ verb, err: error instanceof Error ? error.name : "?" }, "request handler failed");
      return errorText(toAppError(error, "E_INTERNAL", "request handler failed").code, null, parsed.transaction);
    } finally {
      this.#running -= 1;
    }
  }
}

interface ParsedRequest {
  readonly fields: Record<string, unknown>;
  readonly transaction: Transaction | undefined;
  readonly error: AppError | null;
}

function parseRequest(payload: Uint8Array): ParsedRequest {
  try {
    if (payload.length > MAX_REQUEST_BYTES) throw new AppError("E_REQUEST_TOO_LARGE", "the request is too large");
    const { transaction: id, ...fields } = fromWire(payload);
    const parsed = v.safeParse(v.optional(transaction), id);
    if (!parsed.success) throw new AppError("E_REQUEST_INVALID", "the transaction is no identifier");
    return { fields, transaction: parsed.output, error: null };
  } catch (error) {
    return { fields: {}, transaction: undefined, error: toAppError(error, "E_INTERNAL", "request could not be read") };
  }
}

async function call<V extends Verb>(
  handlers: RequestHandlers,
  verb: V,
  fields: unknown,
  context: RequestContext<V>,
): Promise<ResponseOf<V>> {
  // `fields` has passed the request schema of this very verb; TypeScript cannot follow the pairing through a union.
  const handler = handlers[verb] as (request: unknown, context: RequestContext<V>) => Promise<ResponseOf<V>>;
  return await handler(fields, context);
}

/** The handler's data is checked against the verb's response schema, so that nothing else can leave the device. */
function okText(verb: Verb, data: unknown, id: Transaction | undefined): string {
  const checked = v.parse(VERBS[verb].response, data);
  return toWire({ status: "ok", data: checked, ...(id !== undefined && { transaction: id }) });
}

function fieldAtFault(verb: Verb, issues: readonly v.BaseIssue<unknown>[]): string | null {
  const name = issues[0]?.path?.[0]?.key;
  return typeof name === "string" && Object.hasOwn(VERBS[verb].request.entries, name) ? wireName(name) : null;
}

function errorText(code: ErrorCode, field: string | null, id: Transaction | undefined): string {
  return toWire(
    v.parse(errorResponse, {
      status: "error",
      code,
      error: alertMessage(code),
      hint: ERROR_CODES[code].nextStep,
      field,
      ...(id !== undefined && { transaction: id }),
    }),
  );
}
