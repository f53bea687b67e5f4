import { errorCodes } from "../mqtt/payload-values.ts";
import { RateLimit } from "../mqtt/rate-limit.ts";
import type { ServiceParts } from "./service-parts.ts";

const LINES_PER_MINUTE = 10;

/** Publishes that warnings and errors were logged, at most 10 a minute. Returns what stops it. */
export function publishProblems({ publisher, clock, onProblem }: ServiceParts): () => void {
  const rate = new RateLimit(clock);
  let suppressed = 0;
  return onProblem(({ level, part, code }) => {
    if (!publisher.isConnected) return;
    if (!rate.take("log", LINES_PER_MINUTE)) {
      suppressed += 1;
      return;
    }
    publisher.event("log", {
      atMs: clock.now(),
      level,
      part: part !== null && /^[a-z][a-z_]{0,31}$/.test(part) ? part : null,
      code: errorCodes.find((known) => known === code) ?? null,
      suppressed,
    });
    suppressed = 0;
  });
}
