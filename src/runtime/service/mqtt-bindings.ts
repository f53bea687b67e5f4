import { isAppError } from "../../core/errors.ts";
import { CONSENT_PURPOSES } from "../../profile/ports.ts";
import type { RequestHandlers } from "../mqtt/requests.ts";
import { adaptationRequests, publishTraining } from "./adaptation-mqtt.ts";
import { governorRequests, publishPower } from "./governor-bindings.ts";
import type { ServiceParts } from "./service-parts.ts";
import { firstFailure } from "./watchdog.ts";

const HEALTH_CHECK_MS = 5_000;
/** The service manager restarts the service after this exit code (Restart=on-failure). */
const RESTART_EXIT_CODE = 75;

/** What each request over MQTT does. Nothing here returns user text. */
export function requestHandlers(parts: ServiceParts): RequestHandlers {
  const { dialog, profiles, clock, alerts } = parts;
  return {
    say: async ({ text }, signal) => {
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
    health_check: async () => {
      const failure = await firstFailure(parts.healthChecks, clock, HEALTH_CHECK_MS);
      return {
        healthy: failure === null && alerts.standing.length === 0,
        uptimeS: Math.round((clock.monotonicMs() - parts.startedMs) / 1000),
        failing: failure === null ? [] : [failure.split(":")[0]?.replaceAll(" ", "_") ?? "unknown"],
        alerts: alerts.standing.map(({ code }) => code),
      };
    },
    "consent/revoke": async ({ purpose }) => {
      const { id, consent } = await profiles.store.active();
      // Answering is not withdrawn by the way: that has to be named.
      const asked = CONSENT_PURPOSES.filter((each) => (purpose === "all" ? each !== "answer" : each === purpose));
      const revoked = asked.filter((each) => consent[each]);
      for (const each of revoked) await dialog.setConsent(id, each, false, "mqtt");
      return { revoked };
    },
    restart: async () => {
      parts.exit(RESTART_EXIT_CODE, "restart requested over MQTT");
      return { outcome: "restarting" };
    },
  };
}

/** Publishes state, events and alerts as they change; returns the function that stops it. */
export function publishStatus(parts: ServiceParts): () => void {
  const { publisher, phase, alerts, clock, dialog, profiles, loaded, log } = parts;
  const publishState = async () => {
    const { id } = await profiles.store.active();
    publisher.publish("state", {
      ...phase.state,
      fault: alerts.standing.find(({ code }) => code === "E_MODEL_NOT_READY")?.code ?? null,
      micMuted: parts.isMuted(),
      profile: id,
    });
  };
  const stateChanged = () => {
    publishState().catch((error: unknown) => log.error({ err: String(error) }, "state not published"));
  };
  const publishInfo = () => {
    const info = parts.models.model?.info ?? null;
    publisher.publish("info", {
      version: parts.version,
      commit: null,
      node: process.version,
      board: loaded.board.name,
      model: info === null ? null : { name: topicName(info.name), quant: info.quantisation, sha256: info.sha256 },
      capabilities: capabilitiesOf(parts),
      logLevel: loaded.config.log.level,
      restartRequired: false,
      configHash: loaded.hash,
    });
  };
  const interaction = (
    eventType: Parameters<typeof publisher.event<"interaction">>[1]["eventType"],
    latencyMs: number | null,
  ) => publisher.event("interaction", { eventType, atMs: clock.now(), latencyMs });
  const stops = [
    phase.onChange(stateChanged),
    alerts.onChange(({ code, alert }) => {
      publisher.alert(code, alert);
      if (code === "E_MODEL_NOT_READY") publishInfo();
      stateChanged();
    }),
    parts.onMuteChange(stateChanged),
    publishPower(parts),
    publishTraining(parts),
    parts.models.onLoaded(publishInfo),
    dialog.on("wake", () => interaction("wake", null)),
    dialog.on("declined", () => interaction("declined", null)),
    dialog.on("turn", ({ outcome, stages }) =>
      interaction(outcome === "acknowledged" ? "answered" : outcome, Math.round(stages.firstAudioMs ?? stages.totalMs)),
    ),
    dialog.on("feedback", ({ kind }) => {
      if (kind === "thumb_up" || kind === "praise") interaction("feedback_up", null);
      if (kind === "thumb_down" || kind === "complaint" || kind === "correction") interaction("feedback_down", null);
    }),
    parts.onGesture(({ button, kind }) => publisher.event("button", { eventType: kind, button, atMs: clock.now() })),
  ];
  publishInfo();
  stateChanged();
  return () => {
    for (const stop of stops) stop();
  };
}

/** A model file's own name, cut down to what the topic's schema takes. */
function topicName(name: string): string {
  return name.replaceAll(/[^\w .:+()/-]/g, "-").slice(0, 64) || "model";
}

function capabilitiesOf({ loaded }: ServiceParts) {
  const { microphone, wake, buttons, led, tts } = loaded.config;
  return [
    ...(microphone.kind === "none" ? [] : (["microphone"] as const)),
    ...(microphone.kind !== "none" && wake.phraseEnabled ? (["wake_phrase"] as const) : []),
    ...(buttons.backend === "none" ? [] : (["buttons"] as const)),
    ...(led.line === null ? [] : (["led"] as const)),
    ...(tts.engine === "none" ? [] : (["speech"] as const)),
  ];
}
