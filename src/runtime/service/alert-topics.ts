import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { writeFileAtomic } from "../../core/atomic-file.ts";
import { type ErrorCode, isAppError, isEnoent } from "../../core/errors.ts";
import type { Logger } from "../../core/logger.ts";
import { errorCode } from "../mqtt/payload-values.ts";
import type { ServiceParts } from "./service-parts.ts";

const fileSchema = v.strictObject({ v: v.literal(1), codes: v.array(errorCode) });

/**
 * Codes whose alerts an earlier run may have left at the broker; null = unknown, so that all of them must be deleted
 * there. A fleet that starts at once after a power cut would otherwise send a message per code and device.
 */
export async function readLeftAlerts(path: string, log: Logger): Promise<readonly ErrorCode[] | null> {
  try {
    return v.parse(fileSchema, JSON.parse(await readFile(path, "utf8"))).codes;
  } catch (error) {
    if (!isEnoent(error)) log.warn({ code: "E_FILE_UNREADABLE" }, "list of published alerts is damaged");
    return null;
  }
}

/**
 * Publishes alerts as they come and go. That one may be at the broker is on disk before it is published; that it is gone,
 * after the broker has confirmed. Returns what stops it.
 *
 * @param path e.g. `<stateDir>/mqtt-alerts.json`. @param left what {@link readLeftAlerts} gave.
 */
export function publishAlerts(
  path: string,
  left: readonly ErrorCode[] | null,
  { alerts, publisher, log }: Pick<ServiceParts, "alerts" | "publisher" | "log">,
): () => void {
  const kept = new Set<ErrorCode>(left ?? []);
  const write = () => writeFileAtomic(path, `${JSON.stringify({ v: 1, codes: [...kept].toSorted() })}\n`);
  const change = async (code: ErrorCode): Promise<void> => {
    const alert = alerts.standing.find((standing) => standing.code === code) ?? null;
    if (alert !== null && !kept.has(code)) {
      kept.add(code);
      await write().catch(tell);
    }
    publisher.alert(code, alert);
    if (alert === null && kept.has(code) && (await publisher.alertDelivered(code))) {
      kept.delete(code);
      await write();
    }
  };
  const tell = (error: unknown) =>
    log.warn({ code: isAppError(error) ? error.code : "E_INTERNAL" }, "list of published alerts not saved");
  let last = left === null ? write().catch(tell) : Promise.resolve();
  return alerts.onChange(({ code }) => {
    last = last.then(() => change(code)).catch(tell);
  });
}
