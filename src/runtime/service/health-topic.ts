import { statfs } from "node:fs/promises";
import type { HealthPayload } from "../mqtt/payloads.ts";
import { PUBLISHED } from "../mqtt/topics.ts";
import type { ServiceParts } from "./service-parts.ts";

/** Publishes the `health` topic once a minute. Returns what stops it. @param trainerRestarts since the start. */
export function publishHealth(parts: ServiceParts, trainerRestarts: () => number): () => void {
  const { publisher, clock, log } = parts;
  let cancel = () => {};
  let isStopped = false;
  const round = () => {
    healthPayloadOf(parts, trainerRestarts())
      .then((payload) => publisher.publish("health", payload))
      .catch((error: unknown) => log.error({ err: String(error) }, "health not published"))
      .finally(() => {
        if (!isStopped) cancel = clock.after(PUBLISHED.health.everyMs, round);
      });
  };
  round();
  return () => {
    isStopped = true;
    cancel();
  };
}

async function healthPayloadOf(parts: ServiceParts, trainerRestarts: number): Promise<HealthPayload> {
  const { clock, startedMs, publisher, loopLag, loaded } = parts;
  return {
    uptimeS: Math.round((clock.monotonicMs() - startedMs) / 1000),
    rssMb: Math.round(process.memoryUsage.rss() / 2 ** 20),
    loopLagP99Ms: loopLag.p99Ms,
    diskFreeMb: await diskFreeMb(loaded.config.paths.stateDir),
    mqtt: { connects: publisher.connects, dropped: publisher.droppedMessages },
    trainerRestarts,
  };
}

async function diskFreeMb(folder: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return Math.floor((bavail * bsize) / 2 ** 20);
  } catch {
    // A folder that cannot be asked is seen by what writes there; here it is an unknown figure.
    return null;
  }
}
