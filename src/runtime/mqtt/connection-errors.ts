import { AppError } from "../../core/errors.ts";

/**
 * The broker said no to a message or a subscription. MQTT.js rejects with the SUBACK packet (MQTT 3.1.1 section 3.9.3:
 * 0x80 is failure) or, with MQTT 5, with the reason code of PUBACK or SUBACK: 0x80 and above are failures.
 */
export function isRefused(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const packet: unknown = "packet" in error ? error.packet : null;
  const granted: unknown = typeof packet === "object" && packet !== null && "granted" in packet ? packet.granted : null;
  if (Array.isArray(granted)) return granted.some((code) => typeof code === "number" && code >= 0x80);
  return "code" in error && typeof error.code === "number" && error.code >= 0x80;
}

/** CONNACK codes that are about who we are: 3.1.1 table 3.1 (2, 4, 5); 5.0 section 3.2.2.2 (133 to 135, 138, 140). */
const WHO_WE_ARE: ReadonlySet<number> = new Set([2, 4, 5, 133, 134, 135, 138, 140]);
/** The broker does not speak our version: 3.1.1 table 3.1 (1); 5.0 section 3.2.2.2 (132). */
const WRONG_VERSION: ReadonlySet<number> = new Set([1, 132]);

/** Why a connection could not be made. */
export function connectionError(error: Error): AppError {
  const code: unknown = "code" in error ? error.code : undefined;
  if (typeof code === "number" && WHO_WE_ARE.has(code)) {
    return new AppError("E_MQTT_REFUSED", `the MQTT broker refused us (return code ${code})`, { cause: error });
  }
  if (typeof code === "number" && WRONG_VERSION.has(code)) {
    return new AppError("E_MQTT_VERSION", `the MQTT broker does not speak our version (return code ${code})`, {
      cause: error,
    });
  }
  const isTls = typeof code === "string" && /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(code);
  if (isTls)
    return new AppError("E_MQTT_TLS", `the broker's or our certificate was not accepted (${code})`, { cause: error });
  return new AppError("E_MQTT_UNREACHABLE", `cannot reach the MQTT broker (${String(code ?? error.name)})`, {
    cause: error,
  });
}
