import type { Logger } from "../../core/logger.ts";

/** sd_notify(3) as a port: a service outside systemd gets one that does nothing. */
export interface ServiceManager {
  /** Interval at which the watchdog expects a ping, ms; null when there is no watchdog. */
  readonly watchdogMs: number | null;
  ready(): void;
  stopping(): void;
  status(text: string): void;
  ping(): void;
}

const noServiceManager: ServiceManager = {
  watchdogMs: null,
  ready: () => {},
  stopping: () => {},
  status: () => {},
  ping: () => {},
};

/**
 * Talks to systemd through libsystemd by koffi when NOTIFY_SOCKET is set. About 25 µs a call after the first.
 * WATCHDOG_USEC counts only when WATCHDOG_PID is absent or ours (sd_watchdog_enabled(3)).
 */
export async function connectServiceManager(env: NodeJS.ProcessEnv, pid: number, log: Logger): Promise<ServiceManager> {
  if (env.NOTIFY_SOCKET === undefined) return noServiceManager;
  let notify: (unset: number, state: string) => number;
  try {
    const { default: koffi } = await import("koffi");
    notify = koffi.load("libsystemd.so.0").func("int sd_notify(int unset_environment, const char *state)");
  } catch (error) {
    log.warn({ err: String(error) }, "libsystemd is missing, systemd will not hear from us");
    return noServiceManager;
  }
  const send = (state: string) => {
    const result = notify(0, state);
    if (result < 0) log.warn({ errno: -result }, "sd_notify failed");
  };
  const forUs = env.WATCHDOG_PID === undefined || Number(env.WATCHDOG_PID) === pid;
  const watchdogUs = Number(env.WATCHDOG_USEC);
  return {
    watchdogMs: forUs && watchdogUs > 0 ? watchdogUs / 1000 : null,
    ready: () => send("READY=1"),
    stopping: () => send("STOPPING=1"),
    status: (text) => send(`STATUS=${text.replaceAll("\n", " ")}`),
    ping: () => send("WATCHDOG=1"),
  };
}
