import { SystemClock, withDeadline } from "../../core/clock.ts";
import { type AppError, isAppError } from "../../core/errors.ts";
import { randomId } from "../../core/ids.ts";
import type { LoadedConfig } from "../../runtime/config/load-config.ts";
import { callService } from "../../runtime/control/control-client.ts";
import { controlSocketPath } from "../../runtime/control/socket-path.ts";
import { type MqttMessage, ReconnectingMqttClient } from "../../runtime/mqtt/mqtt-client.ts";

const CONNECT_MS = 15_000;

export interface SessionEvents {
  received?(message: MqttMessage): void;
  /** After each connect; subscriptions are made anew. */
  connected?(client: ReconnectingMqttClient): Promise<void>;
  disconnected?(error: AppError): void;
}

/**
 * A connection of the command line to the device's broker, with the device's account and a client id of its own, so that
 * the running service is not pushed out. Without `mqtt.url` it is the broker inside the running service.
 *
 * @throws AppError E_MQTT_*, E_SERVICE_NOT_RUNNING.
 */
export async function openBrokerSession(
  { config }: LoadedConfig,
  signal: AbortSignal,
  events: SessionEvents = {},
): Promise<ReconnectingMqttClient> {
  const url = config.mqtt.url === "" ? await insideBroker(config.paths.runtimeDir, signal) : config.mqtt.url;
  const clock = new SystemClock();
  let client: ReconnectingMqttClient | null = null;
  const connecting = new Promise<void>((resolve, reject) => {
    client = new ReconnectingMqttClient(
      { ...config.mqtt, clientId: `asls-cli-${randomId("c").slice(2, 10)}`, will: null, url: async () => url },
      {
        connected: () => {
          if (client === null) return;
          (events.connected?.(client) ?? Promise.resolve()).then(resolve, reject);
        },
        disconnected: (error) => {
          events.disconnected?.(error);
          reject(error);
        },
        received: (message) => events.received?.(message),
      },
      clock,
      Math.random,
    );
    client.start();
  });
  try {
    await withDeadline(clock, CONNECT_MS, "connecting to the MQTT broker", connecting);
    if (client === null) throw new TypeError("no client");
    return client;
  } catch (error) {
    await stopped(client);
    throw error;
  }
}

async function stopped(client: ReconnectingMqttClient | null): Promise<void> {
  await client?.stop();
}

/** The running service knows the port of its own broker. */
async function insideBroker(runtimeDir: string, signal: AbortSignal): Promise<string> {
  const status = await callService(controlSocketPath(runtimeDir), "status", {}, { signal });
  const url: unknown = typeof status === "object" && status !== null && "mqtt" in status ? status.mqtt : null;
  return typeof url === "string" && url.startsWith("mqtt://") ? url : "mqtt://127.0.0.1:1";
}

/** True when there is nothing to talk to because the broker lives and dies with the service. */
export function isBrokerGone(error: unknown): boolean {
  return isAppError(error, "E_SERVICE_NOT_RUNNING");
}
