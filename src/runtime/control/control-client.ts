import { connect } from "node:net";
import { type Clock, SystemClock } from "../../core/clock.ts";
import { AppError, systemErrorCode } from "../../core/errors.ts";
import { LineReader } from "../../core/line-reader.ts";
import {
  type ControlMethod,
  type ControlParams,
  errorFromReply,
  lineTooLong,
  MAX_LINE_BYTES,
  parseReply,
} from "./control-protocol.ts";

/** An export holds every adapter of a profile; this only bounds memory. */
const MAX_REPLY_BYTES = 64 * MAX_LINE_BYTES;

export interface ControlCallOptions {
  readonly onEvent?: (event: string, data: unknown) => void;
  readonly signal?: AbortSignal;
  /** Between two lines of the service, the first included, ms; default null: as long as it takes once the request was taken. */
  readonly silenceMs?: number | null;
  readonly clock?: Clock;
}

/** A service that is alive says so as soon as it has read a request. */
const TAKEN_MS = 30_000;

/**
 * Asks the running service to do one thing.
 * @throws AppError E_SERVICE_NOT_RUNNING, E_ABORTED, E_CONTROL_PROTOCOL, E_TIMEOUT when it does not take the request or
 *   falls silent, or the code the service answered with.
 */
export function callService<M extends ControlMethod>(
  socketPath: string,
  method: M,
  params: ControlParams<M>,
  { onEvent, signal, silenceMs = null, clock = new SystemClock() }: ControlCallOptions = {},
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    const fail = (error: unknown) => {
      socket.destroy();
      reject(error);
    };
    let cancelDeadline = () => {};
    const expect = (ms: number) => {
      cancelDeadline();
      cancelDeadline = clock.after(ms, () => fail(new AppError("E_TIMEOUT", `the service was silent for ${ms} ms`)));
    };
    const onAbort = () => fail(new AppError("E_ABORTED", "the request was cancelled"));
    const read = (line: string) => {
      const reply = parseReply(line);
      if (silenceMs === null) cancelDeadline();
      else expect(silenceMs);
      if (reply.type === "taken") return;
      if (reply.type === "event") onEvent?.(reply.event, reply.data);
      else if (reply.type === "error") fail(errorFromReply(reply));
      else resolve(reply.data);
    };
    const reader = new LineReader(MAX_REPLY_BYTES, read, lineTooLong);
    signal?.addEventListener("abort", onAbort, { once: true });
    expect(TAKEN_MS);
    socket.on("connect", () => socket.write(`${JSON.stringify({ v: 1, method, params })}\n`));
    socket.on("data", (chunk) => {
      try {
        reader.accept(chunk);
      } catch (error) {
        fail(error);
      }
    });
    socket.on("error", (error) => fail(notRunning(error, socketPath)));
    socket.on("close", () => {
      signal?.removeEventListener("abort", onAbort);
      cancelDeadline();
      reject(new AppError("E_SERVICE_NOT_RUNNING", "the service closed the connection before it answered"));
    });
  });
}

/** True when a service accepts connections there; false when there is no socket or nobody behind it. */
export function isServiceListening(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

function notRunning(error: Error, socketPath: string): AppError {
  const code = systemErrorCode(error);
  if (code === "EACCES") {
    return new AppError("E_SERVICE_NOT_RUNNING", `not allowed to open ${socketPath}`, {
      hint: "Run the command as the service's user, or as root.",
      cause: error,
    });
  }
  return new AppError("E_SERVICE_NOT_RUNNING", `no service answers on ${socketPath}`, { cause: error });
}
