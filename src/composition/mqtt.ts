import { join } from "node:path";
import type { Clock } from "../core/clock.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import type { AslsConfig } from "../runtime/config/schema.ts";
import { DiscoveryOffer } from "../runtime/homeassistant/discovery-offer.ts";
import { createStatusPublisher, type StatusPublisher } from "../runtime/mqtt/status-publisher.ts";
import { readLeftAlerts } from "../runtime/service/alert-topics.ts";
import type { Alerts } from "../runtime/service/alerts.ts";

/** What speaks to the broker. */
export interface MqttMade {
  readonly publisher: StatusPublisher;
  readonly discovery: DiscoveryOffer;
  /** Remembers which alerts the broker may hold. */
  readonly alertsFile: string;
  /** Those of an earlier run; null when unknown. */
  readonly leftAlerts: readonly ErrorCode[] | null;
}

/** Publisher and Home Assistant's discovery, as configured; neither connects yet. */
export async function makeMqtt(
  { mqtt, paths }: Pick<AslsConfig, "mqtt" | "paths">,
  deviceId: string,
  { alerts, clock, log }: { readonly alerts: Alerts; readonly clock: Clock; readonly log: Logger },
): Promise<MqttMade> {
  const alertsFile = join(paths.stateDir, "mqtt-alerts.json");
  const leftAlerts = await readLeftAlerts(alertsFile, log);
  const discovery = new DiscoveryOffer(mqtt, clock, Math.random);
  const publisher = createStatusPublisher(mqtt, deviceId, {
    clock,
    ...(leftAlerts !== null && { leftAlerts }),
    listenTo: { topics: discovery.topics, received: (message) => discovery.received(message) },
    log: log.child({ part: "mqtt" }),
    onConnection: (error) => {
      alerts.clear("E_MQTT_UNREACHABLE");
      if (error !== null) alerts.raise("E_MQTT_UNREACHABLE", error.message, error.hint);
    },
  });
  discovery.attach(publisher);
  return { publisher, discovery, alertsFile, leftAlerts };
}
