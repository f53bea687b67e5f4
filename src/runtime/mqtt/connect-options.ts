import { readFile } from "node:fs/promises";
import type { IClientOptions } from "mqtt";
import { AppError, systemErrorCode } from "../../core/errors.ts";

export interface MqttAddress {
  /** Where the broker is; asked at each attempt, since an inside broker has to be started first. */
  url(): Promise<string>;
  readonly protocolVersion: "3.1.1" | "5";
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
  /** Read at each attempt, as are the certificates: renewing them needs no restart. "" for none. */
  readonly passwordFile: string;
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly keepaliveS: number;
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
  /** Published by the broker, retained with QoS 1, when it loses us; null = none. */
  readonly will: { readonly topic: string; readonly payload: string } | null;
}

const CONNECT_TIMEOUT_MS = 10_000;

/** Options of MQTT.js for one attempt. @throws AppError E_FILE_UNREADABLE. */
export async function connectOptions(address: MqttAddress): Promise<IClientOptions> {
  const [filePassword, ca, cert, key] = await Promise.all(
    [address.passwordFile, address.caFile, address.certFile, address.keyFile].map(secretFile),
  );
  const password = filePassword === undefined ? address.password : filePassword.replace(/\r?\n$/, "");
  return {
    protocolVersion: address.protocolVersion === "5" ? 5 : 4,
    protocolId: "MQTT",
    clean: true,
    resubscribe: false,
    reconnectPeriod: 0,
    queueQoSZero: false,
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepalive: address.keepaliveS,
    // mqtt-packet would keep 65,536 buffers of two bytes for faster writes: 14 MB for a device that sends a few a minute
    writeCache: false,
    clientId: address.clientId,
    ...(address.will !== null && {
      will: { ...address.will, payload: Buffer.from(address.will.payload), qos: 1, retain: true },
    }),
    ...(address.username !== "" && { username: address.username }),
    ...(password !== "" && { password }),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}

async function secretFile(path: string): Promise<string | undefined> {
  if (path === "") return undefined;
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new AppError("E_FILE_UNREADABLE", `cannot read ${path} (${systemErrorCode(error) ?? "unknown reason"})`, {
      cause: error,
    });
  }
}
