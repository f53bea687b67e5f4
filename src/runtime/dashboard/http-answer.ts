import type { IncomingMessage, ServerResponse } from "node:http";
import { AppError, type ErrorCode, isAppError, toAppError } from "../../core/errors.ts";

const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  E_ACCESS_DENIED: 401,
  E_ACCESS_FOREIGN: 403,
  E_ACCESS_LIMITED: 429,
  E_REQUEST_TOO_LARGE: 413,
  E_REQUEST_INVALID: 400,
  E_REQUEST_UNKNOWN: 404,
  E_REQUEST_BUSY: 503,
  E_FACT_UNKNOWN: 404,
  E_INTERACTION_UNKNOWN: 404,
  E_PROFILE_UNKNOWN: 404,
  E_CONSENT_MISSING: 409,
};

/** @param brokerOrigin `wss://host:port` of the broker that the page may talk to, or null. */
export function setSecurityHeaders(response: ServerResponse, brokerOrigin: string | null): void {
  const connect = brokerOrigin === null ? "'self'" : `'self' ${brokerOrigin}`;
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src ${connect}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  response.setHeader("Content-Security-Policy", policy.join("; "));
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.setHeader("X-Frame-Options", "DENY");
  response.setHeader("Referrer-Policy", "no-referrer");
  response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
  response.setHeader("Cross-Origin-Resource-Policy", "same-origin");
  response.setHeader("Permissions-Policy", "camera=(), geolocation=(), microphone=()");
}

export function sendText(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { "content-type": type, "cache-control": "no-store" });
  response.end(text);
}

export function sendJson(response: ServerResponse, status: number, body: object): void {
  sendText(response, status, "application/json; charset=utf-8", JSON.stringify(body));
}

/** The error as `{code, error, hint}`. What is none of ours is told as E_INTERNAL, without its message. */
export function sendError(response: ServerResponse, thrown: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const error = isAppError(thrown) ? thrown : toAppError(thrown, "E_INTERNAL", "the request failed");
  if (error.code === "E_REQUEST_TOO_LARGE") response.setHeader("Connection", "close");
  sendJson(response, STATUS[error.code] ?? 500, { code: error.code, error: sentence(error.message), hint: error.hint });
}

/**
 * The whole body.
 * @throws AppError E_REQUEST_INVALID (another content type), E_REQUEST_TOO_LARGE as soon as it is.
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const type = request.headers["content-type"] ?? "";
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new AppError("E_REQUEST_INVALID", "the body has to be application/json");
  }
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(maxBytes: number): AppError {
  return new AppError("E_REQUEST_TOO_LARGE", `the body is larger than ${maxBytes} bytes`);
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
