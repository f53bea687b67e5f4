import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";
import type { Logger } from "../../core/logger.ts";
import { type AccessToken, SESSION_S } from "./access-token.ts";
import { GuessLimit } from "./guess-limit.ts";

/** Who may see more than the empty page: by cookie, or by `Authorization: Bearer <token>`. */
export class Access {
  readonly #token: AccessToken;
  readonly #guesses: GuessLimit;
  readonly #clock: Clock;
  readonly #log: Logger;

  constructor(token: AccessToken, clock: Clock, log: Logger) {
    this.#token = token;
    this.#guesses = new GuessLimit(clock);
    this.#clock = clock;
    this.#log = log;
  }

  /** @throws AppError E_ACCESS_LIMITED. */
  isAllowed(request: IncomingMessage, response: ServerResponse): boolean {
    const bearer = /^Bearer ([\w-]+)$/.exec(request.headers.authorization ?? "")?.[1];
    if (bearer !== undefined) return this.#isRight(bearer, request, response);
    return this.#token.isGoodCookie(cookieOf(request, cookieName(request)), this.#clock.now());
  }

  /** Exchanges the token for a cookie. @throws AppError E_ACCESS_DENIED, E_ACCESS_LIMITED. */
  signIn(given: string, request: IncomingMessage, response: ServerResponse): void {
    if (!this.#isRight(given, request, response)) throw new AppError("E_ACCESS_DENIED", "this token is wrong");
    this.renew(request, response);
  }

  /** A new cookie with the full time before it. */
  renew(request: IncomingMessage, response: ServerResponse): void {
    setCookie(request, response, this.#token.cookie(this.#clock.now()), SESSION_S);
  }

  signOut(request: IncomingMessage, response: ServerResponse): void {
    setCookie(request, response, "", 0);
  }

  /** While an address has to wait, the right token is refused, too: so a guess tells nothing. */
  #isRight(given: string, { socket }: IncomingMessage, response: ServerResponse): boolean {
    const address = socket.remoteAddress ?? "";
    const waitMs = this.#guesses.waitMs(address);
    if (waitMs > 0) {
      response.setHeader("Retry-After", Math.ceil(waitMs / 1000));
      throw new AppError("E_ACCESS_LIMITED", "too many wrong tokens");
    }
    if (this.#token.isRight(given)) return true;
    this.#guesses.wrong(address);
    this.#log.warn({}, "a wrong dashboard token");
    return false;
  }
}

/** By port, since browsers share cookies between all ports of a host. */
function cookieName({ socket }: IncomingMessage): string {
  return `asls_${socket.localPort ?? 0}`;
}

function setCookie(request: IncomingMessage, response: ServerResponse, value: string, maxAgeS: number): void {
  const attributes = `Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeS}`;
  response.setHeader("Set-Cookie", `${cookieName(request)}=${value}; ${attributes}`);
}

function cookieOf({ headers }: IncomingMessage, name: string): string {
  for (const pair of (headers.cookie ?? "").split(";")) {
    const [key, value] = pair.trim().split("=");
    if (key === name) return value ?? "";
  }
  return "";
}
