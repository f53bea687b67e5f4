import { exportAdapters } from "../../adapt/adapter-export.ts";
import { readWavFile } from "../../core/wav.ts";
import type { ControlHandlers } from "../control/control-server.ts";
import { profileOperations } from "../control/profile-operations.ts";
import { rotateKeys } from "../control/rotate-keys.ts";
import { adaptationControls } from "./adaptation-bindings.ts";
import { consentControls } from "./consent-bindings.ts";
import { forgetProfile } from "./forget-profile.ts";
import { governorControls } from "./governor-bindings.ts";
import { listenToFile } from "./listen-to-file.ts";
import type { ServiceParts } from "./service-parts.ts";
import { requireVirtual } from "./virtual-board.ts";

/** What each method of the control socket does; where the dashboard is, is known outside. */
export function controlHandlers(parts: ServiceParts): Omit<ControlHandlers, "dashboard"> {
  const { dialog, profiles, profileTopics } = parts;
  const operations = profileOperations({
    ...profiles,
    onActiveChanged: () => {
      dialog.newConversation();
      parts.profileChanged();
    },
    onInteractionDeleted: (interaction) => {
      profileTopics.refresh();
      void parts.phrases.refresh();
      return parts.adaptation.interactionsDeleted([interaction]);
    },
    exportAdapters: (profile, hasWeights) => exportAdapters(parts.adapters, profile, hasWeights),
    forget: (profile) => forgetProfile(parts, profile),
  });
  return {
    ...operations,
    profileCreate: async (params) => {
      const profile = await operations.profileCreate(params);
      profileTopics.refresh();
      return profile;
    },
    keysRotate: ({ profile }, emit, signal) =>
      rotateKeys(profiles, parts.adaptation, profile, (progress) => emit("progress", progress), signal),
    status: () => statusOf(parts),
    watch: (_params, emit, signal) => watch(parts, emit, signal),
    say: async ({ text, aloud }, emit, signal) =>
      dialog.say(text, { aloud, onText: (piece) => emit("text", piece), signal }),
    listen: ({ path }, _emit, signal) => listenToFile(parts, path, signal),
    play: async ({ path }) => requireVirtual(parts.virtual).say(await readWavFile(path)),
    press: async ({ button, holdMs }) => requireVirtual(parts.virtual).press(button, holdMs),
    plug: async ({ plugged }) => requireVirtual(parts.virtual).setMicrophonePlugged(plugged),
    skipTime: async ({ ms }, _emit, signal) => {
      await requireVirtual(parts.virtual).skipTime(ms, signal);
      return { atMs: parts.clock.now() };
    },
    jumpClock: async ({ ms }) => {
      requireVirtual(parts.virtual).jumpClock(ms);
      return { atMs: parts.clock.now() };
    },
    ...governorControls(parts),
    ...adaptationControls(parts),
    feedback: async ({ kind, correction }) => {
      const signal = kind === "up" ? "thumb_up" : kind === "down" ? "thumb_down" : "correction";
      await dialog.rate(signal, correction, false);
      return { recorded: signal };
    },
    mute: async ({ muted }) => {
      await parts.setMuted(muted);
      return { muted };
    },
    ...consentControls(parts),
  };
}

async function statusOf(parts: ServiceParts): Promise<object> {
  const { profiles, phase, models, clock, alerts, publisher, loaded } = parts;
  const profile = await profiles.store.active();
  const info = models.model?.info ?? null;
  return {
    version: parts.version,
    board: loaded.board.name,
    phase: phase.state.phase,
    muted: parts.isMuted(),
    learning: parts.learning.isEnabled ? (parts.learning.isPaused ? "training paused" : "on") : "off",
    profile: profile.id,
    guest: parts.dialog.isGuest,
    consent: profile.consent,
    model: info === null ? null : `${info.name} ${info.quantisation}`,
    adapter: parts.adaptation.activeVersion,
    uptime_s: Math.round((clock.monotonicMs() - parts.startedMs) / 1000),
    mqtt: publisher.isConnected ? (publisher.brokerUrl ?? "connected") : "not connected",
    led: parts.virtual === null ? null : parts.virtual.isLedOn() ? "on" : "off",
    rss_mb: Math.round(process.memoryUsage.rss() / 2 ** 20),
    alerts: alerts.standing,
  };
}

/** Everything that happens, texts included, until the caller hangs up: this stays on the device's own socket. */
function watch(parts: ServiceParts, emit: (event: string, data: unknown) => void, signal: AbortSignal): Promise<void> {
  const { dialog, phase, alerts } = parts;
  const stops = [
    phase.onChange((state) => emit("phase", state)),
    alerts.onChange((change) => emit("alert", change)),
    parts.adaptation.on("job", (job) => emit("job", job)),
    parts.adaptation.on("adapter", (adapter) => emit("adapter", adapter)),
    parts.onGesture((gesture) => emit("button", gesture)),
    parts.governor.onBudget((budget) => emit("budget", budget)),
    ...(["wake", "heard", "turn", "feedback", "consent", "guest", "learned", "declined"] as const).map((event) =>
      dialog.on(event, (data) => emit(event, data)),
    ),
  ];
  emit("watching", null);
  return new Promise((resolve) => {
    signal.addEventListener(
      "abort",
      () => {
        for (const stop of stops) stop();
        resolve();
      },
      { once: true },
    );
  });
}
