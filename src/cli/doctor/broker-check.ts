import { connect } from "node:net";
import { AppError } from "../../core/errors.ts";
import type { AslsConfig } from "../../runtime/config/schema.ts";
import type { Check } from "./check.ts";

const CONNECT_MS = 5_000;
const DEFAULT_PORTS: Readonly<Record<string, number>> = { "mqtt:": 1883, "mqtts:": 8883, "ws:": 80, "wss:": 443 };

/** Whether somebody listens where the broker should be; the running service reports refusals by itself. */
export function brokerCheck({ enabled, url }: AslsConfig["mqtt"]): Check {
  return {
    part: "mqtt",
    look: async () => {
      if (!enabled) return "off by configuration";
      if (url === "") {
        return {
          warning: "no broker configured: the service runs its own, on loopback only",
          nextStep: "Set mqtt.url to your broker, e.g. mqtt://homeassistant.local.",
        };
      }
      const { hostname, port, protocol } = new URL(url);
      await reach(hostname, port === "" ? (DEFAULT_PORTS[protocol] ?? 1883) : Number(port));
      return `a broker listens at ${hostname}`;
    },
  };
}

function reach(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: CONNECT_MS });
    const fail = (cause?: Error) => {
      socket.destroy();
      reject(new AppError("E_MQTT_UNREACHABLE", `nothing listens at ${host}:${port}`, { cause }));
    };
    socket.on("connect", () => {
      socket.destroy();
      resolve();
    });
    socket.on("timeout", () => fail());
    socket.on("error", fail);
  });
}
