import type { InteractionEvent, StatePayload, TurnPayload } from "../mqtt/payloads.ts";
import { publishAlerts } from "./alert-topics.ts";
import { offerDiscovery } from "./discovery-binding.ts";
import { publishPower } from "./governor-bindings.ts";
import { publishHealth } from "./health-topic.ts";
import { publishProblems } from "./log-topic.ts";
import { publishSafety } from "./safety-topic.ts";
import type { ServiceParts } from "./service-parts.ts";
import { publishTraining } from "./training-topics.ts";

/** Publishes states, events and alerts as they change; returns the function that stops it. */
export function publishStatus(parts: ServiceParts): () => void {
  const { publisher, phase, alerts, clock, dialog, profiles, adaptation, governor, log } = parts;
  let jobSinceMs: number | null = null;
  const publishState = async () => {
    const { id } = await profiles.store.active();
    publisher.publish("state", stateOf(parts, dialog.isGuest ? null : id, jobSinceMs));
  };
  const stateChanged = () => {
    publishState().catch((error: unknown) => log.error({ err: String(error) }, "state not published"));
  };
  const infoChanged = () => publisher.publish("info", infoOf(parts));
  const interaction = (eventType: InteractionEvent["eventType"], latencyMs: number | null) =>
    publisher.event("event/interaction", { eventType, atMs: clock.now(), latencyMs });
  const training = publishTraining(parts);
  const stops = [
    phase.onChange(stateChanged),
    publishAlerts(parts.alertsFile, parts.leftAlerts, parts),
    alerts.onChange(({ code }) => {
      if (code === "E_MODEL_NOT_READY") infoChanged();
      stateChanged();
    }),
    parts.onMuteChange(stateChanged),
    parts.onLogLevelChange(infoChanged),
    parts.learning.onChange(stateChanged),
    parts.onProfileChange(() => {
      stateChanged();
      training.refresh();
      parts.profileTopics.refresh();
    }),
    adaptation.on("job", () => {
      jobSinceMs ??= clock.now();
      stateChanged();
    }),
    adaptation.on("jobEnded", () => {
      jobSinceMs = null;
      stateChanged();
    }),
    adaptation.on("adapter", () => parts.profileTopics.refresh()),
    governor.onBudget(() => {
      if (jobSinceMs !== null) stateChanged();
    }),
    offerDiscovery(parts),
    publishPower(parts),
    publishSafety(parts),
    publishHealth(parts, () => training.progress.restarts),
    publishProblems(parts),
    () => training.stop(),
    () => parts.profileTopics.stop(),
    parts.models.onLoaded(infoChanged),
    dialog.on("wake", () => interaction("wake", null)),
    dialog.on("declined", () => interaction("declined", null)),
    dialog.on("turn", (report) => {
      const { outcome, stages } = report;
      const latencyMs = Math.round(stages.firstAudioMs ?? stages.totalMs);
      interaction(outcome === "acknowledged" ? "answered" : outcome, latencyMs);
      publisher.publish("turn", turnOf(report, clock.now()));
      training.refresh();
      parts.profileTopics.refresh();
    }),
    dialog.on("feedback", ({ kind }) => {
      if (kind === "thumb_up" || kind === "praise") interaction("feedback_up", null);
      if (kind === "thumb_down" || kind === "complaint" || kind === "correction") interaction("feedback_down", null);
      parts.profileTopics.refresh();
    }),
    dialog.on("guest", stateChanged),
    dialog.on("consent", () => {
      training.refresh();
      parts.profileTopics.refresh();
    }),
    parts.onGesture(({ button, kind }) =>
      publisher.event("event/button", { eventType: kind, button, atMs: clock.now() }),
    ),
  ];
  infoChanged();
  stateChanged();
  parts.profileTopics.refresh();
  return () => {
    for (const stop of stops) stop();
  };
}

/** The user's turn comes before training, and what keeps the device from working before both. */
function stateOf(parts: ServiceParts, profile: string | null, jobSinceMs: number | null): StatePayload {
  const { phase, alerts, learning, governor } = parts;
  const fault = alerts.standing.find(({ code }) => code === "E_MODEL_NOT_READY")?.code ?? null;
  const { reason } = governor.budget;
  const isHeldByBoard = reason !== "none" && reason !== "user_active" && reason !== "starting" && reason !== "settling";
  const training = jobSinceMs !== null ? (isHeldByBoard ? "throttled" : "training") : null;
  const idle = fault !== null ? "fault" : (training ?? "idle");
  return {
    phase: phase.state.phase === "idle" ? idle : phase.state.phase,
    sinceMs:
      idle === training && phase.state.phase === "idle" && jobSinceMs !== null
        ? Math.max(jobSinceMs, phase.state.sinceMs)
        : phase.state.sinceMs,
    fault,
    micMuted: parts.isMuted(),
    learningEnabled: learning.isEnabled,
    profile,
  };
}

function infoOf(parts: ServiceParts) {
  const { loaded } = parts;
  const info = parts.models.model?.info ?? null;
  return {
    version: parts.version,
    commit: null,
    node: process.version,
    board: loaded.board.name,
    model: info === null ? null : { name: modelName(info), quant: info.quantisation, sha256: info.sha256 },
    capabilities: capabilitiesOf(parts),
    logLevel: parts.logLevel(),
    restartRequired: false,
    configHash: loaded.hash,
  };
}

/** What kind of model it is. The name inside the file is left out: whoever made the file may have put anything there. */
function modelName({
  architecture,
  parameters,
}: {
  readonly architecture: string;
  readonly parameters: number;
}): string {
  const size =
    parameters >= 1e9 ? `${(parameters / 1e9).toFixed(1)}B` : `${Math.max(1, Math.round(parameters / 1e6))}M`;
  return `${/^[a-z0-9_-]{1,24}$/.test(architecture) ? architecture : "model"} ${size}`;
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

function turnOf(
  {
    modality,
    outcome,
    stages,
    generatedTokens,
    reusedTokens,
  }: Pick<TurnPayload, "modality" | "outcome"> & Pick<TurnPayload, "stages" | "generatedTokens" | "reusedTokens">,
  atMs: number,
): TurnPayload {
  const tenths = (ms: number | null) => (ms === null ? null : Math.round(ms * 10) / 10);
  return {
    atMs,
    modality,
    outcome,
    stages: {
      sttMs: tenths(stages.sttMs),
      contextMs: tenths(stages.contextMs),
      llmFirstTokenMs: tenths(stages.llmFirstTokenMs),
      llmFirstSentenceMs: tenths(stages.llmFirstSentenceMs),
      ttsMs: tenths(stages.ttsMs),
      firstAudioMs: tenths(stages.firstAudioMs),
      oursMs: tenths(stages.oursMs),
      totalMs: Math.round(stages.totalMs * 10) / 10,
    },
    generatedTokens,
    reusedTokens,
  };
}
