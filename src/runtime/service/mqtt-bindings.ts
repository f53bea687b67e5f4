import { isAppError } from "../../core/errors.ts";
import { CONSENT_PURPOSES } from "../../profile/ports.ts";
import type { RequestHandlers } from "../mqtt/requests.ts";
import { adaptationRequests } from "./adaptation-mqtt.ts";
import { governorRequests } from "./governor-bindings.ts";
import { profileRequests } from "./profile-mqtt.ts";
import type { ServiceParts } from "./service-parts.ts";
import { firstFailure } from "./watchdog.ts";

const HEALTH_CHECK_MS = 5_000;
/** The service manager restarts the service after this exit code (Restart=on-failure). */
const RESTART_EXIT_CODE = 75;

/** What each request over MQTT does. Nothing here returns user text. */
export function requestHandlers(parts: ServiceParts): RequestHandlers {
  const { dialog, profiles, clock, alerts } = parts;
  return {
    say: async ({ text }, { signal }) => {
      const report = await dialog.say(text, { aloud: true, onText: () => {}, signal });
      return { outcome: report.outcome, latencyMs: Math.round(report.stages.totalMs) };
    },
    "mic/set": async ({ muted }) => {
      await parts.setMuted(muted);
      return { muted };
    },
    "feedback/submit": async ({ rating }) => {
      try {
        await dialog.rate(rating === 1 ? "thumb_up" : "thumb_down", null, false);
        return { outcome: "recorded", reason: null };
      } catch (error) {
        if (!isAppError(error, "E_NOTHING_TO_RATE")) throw error;
        return { outcome: "declined", reason: "nothing_to_rate" };
      }
    },
    ...governorRequests(parts),
    ...adaptationRequests(parts),
    ...profileRequests(parts),
    health_check: async () => {
      const failure = await firstFailure(parts.healthChecks, clock, HEALTH_CHECK_MS);
      return {
        healthy: failure === null && alerts.standing.length === 0,
        uptimeS: Math.round((clock.monotonicMs() - parts.startedMs) / 1000),
        failing: failure === null ? [] : [failure.split(":")[0]?.replaceAll(" ", "_") ?? "unknown"],
        alerts: alerts.standing.map(({ code }) => code),
      };
    },
    "consent/revoke": async ({ purpose }, { origin }) => {
      const { id, consent } = await profiles.store.active();
      // Answering is not withdrawn by the way: that has to be named.
      const asked = CONSENT_PURPOSES.filter((each) => (purpose === "all" ? each !== "answer" : each === purpose));
      const revoked = asked.filter((each) => consent[each]);
      for (const each of revoked) await dialog.setConsent(id, each, false, origin);
      return { revoked };
    },
    "options/set": async ({ logLevel }) => {
      parts.setLogLevel(logLevel);
      return { logLevel };
    },
    restart: async () => {
      parts.exit(RESTART_EXIT_CODE, "restart requested over MQTT");
      return { outcome: "restarting" };
    },
  };
}
