import type { PayloadOf } from "../../runtime/mqtt/topics.ts";
import { Fields } from "../wire.ts";
import {
  type Activity,
  type Alert,
  type Device,
  type Gate,
  MAX_ACTIVITIES,
  type ProbedVersion,
  type Profile,
  type SafetyFigure,
  unknownDevice,
} from "./device.ts";

type Probed = NonNullable<PayloadOf<"safety">["last"]>;
type GateFields = Fields<NonNullable<PayloadOf<"adapter">["gate"]>>;

/**
 * The device after one message of its. Pure; gives the same object back when the message says nothing that this page
 * shows, so that views can compare by identity.
 *
 * @param path below `<base>/<id>/`, e.g. `alert/E_MIC_LOST`.
 * @param text payload; empty = the retained topic was deleted.
 */
export function deviceAfter(device: Device, path: string, text: string, nowMs: number): Device {
  const [first = "", second = ""] = path.split("/");
  switch (first) {
    case "availability":
      return { ...device, isOnline: text === "" ? null : text === "online" };
    case "info":
      return { ...device, info: infoOf(text) };
    case "state":
      return { ...device, state: stateOf(text) };
    case "power":
      return { ...device, power: powerOf(text) };
    case "training":
      return second === "" ? { ...device, training: trainingOf(text) } : device;
    case "adapter":
      return { ...device, adapter: adapterOf(text) };
    case "turn":
      return { ...device, turn: turnOf(text) };
    case "health":
      return { ...device, health: healthOf(text, nowMs) };
    case "safety":
      return { ...device, safety: safetyOf(text) };
    case "profiles":
      return { ...device, profiles: withEntry(device.profiles, second, profileOf(text)) };
    case "alert":
      return { ...device, alerts: withEntry(device.alerts, second, alertOf(second, text)) };
    case "event":
      return withActivity(device, activityOf(second, text, nowMs));
    case "log":
      return withActivity(device, logActivity(text, nowMs));
    default:
      return device;
  }
}

/** What is left when the connection was made anew: what is retained will be said again, what is not stays shown. */
export function forgetRetained(device: Device): Device {
  return { ...unknownDevice(device.id), activities: device.activities };
}

function infoOf(text: string): Device["info"] {
  const fields = Fields.parse<PayloadOf<"info">>(text);
  if (fields === null) return null;
  const model = fields.inner("model");
  return {
    version: fields.text("version"),
    board: fields.text("board"),
    node: fields.text("node"),
    model: model === null ? null : [model.text("name"), model.text("quant")].filter((part) => part !== null).join(" "),
    capabilities: fields.texts("capabilities"),
    logLevel: fields.text("log_level"),
    restartRequired: fields.flag("restart_required") ?? false,
  };
}

function stateOf(text: string): Device["state"] {
  const fields = Fields.parse<PayloadOf<"state">>(text);
  if (fields === null) return null;
  return {
    phase: fields.text("phase") ?? "unknown",
    sinceMs: fields.timeMs("since"),
    fault: fields.text("fault"),
    isMuted: fields.flag("mic_muted"),
    isLearning: fields.flag("learning_enabled"),
    profileId: fields.text("profile"),
  };
}

function powerOf(text: string): Device["power"] {
  const fields = Fields.parse<PayloadOf<"power">>(text);
  if (fields === null) return null;
  return {
    mode: fields.text("mode"),
    level: fields.text("governor"),
    duty: fields.number("duty"),
    threads: fields.number("threads"),
    reason: fields.text("reason"),
    isTraining: fields.flag("training") ?? false,
    socTempC: fields.number("soc_temp_c"),
    inputW: fields.number("input_w"),
    isOnMains: fields.flag("mains"),
    batteryPct: fields.number("battery_pct"),
    todayWh: fields.number("today_wh"),
    dailyWh: fields.number("daily_wh"),
    energySource: fields.text("energy_source"),
    failedProbes: fields.texts("failed"),
  };
}

function trainingOf(text: string): Device["training"] {
  const fields = Fields.parse<PayloadOf<"training">>(text);
  if (fields === null) return null;
  return {
    jobId: fields.text("job"),
    state: fields.text("state") ?? "unknown",
    kind: fields.text("kind"),
    progressPct: fields.number("progress_pct"),
    step: fields.number("step"),
    steps: fields.number("steps"),
    loss: fields.number("loss"),
    etaS: fields.number("eta_s"),
    hold: fields.text("reason"),
    examples: fields.number("examples"),
    newInteractions: fields.number("new_interactions"),
    isEligible: fields.flag("eligible") ?? false,
    reasons: fields.texts("reasons"),
    failure: fields.text("failure"),
  };
}

function adapterOf(text: string): Device["adapter"] {
  const fields = Fields.parse<PayloadOf<"adapter">>(text);
  if (fields === null) return null;
  const installed = fields.text("installed_version");
  const versions = fields.list("versions").flatMap((each) => {
    const version = each.text("version");
    if (version === null) return [];
    return {
      version,
      state: each.text("state") ?? "unknown",
      kind: each.text("kind"),
      createdAtMs: each.timeMs("created_at"),
      examples: each.number("examples"),
      isUsable: each.flag("usable") ?? false,
      gate: gateOf(each.inner("gate")),
    };
  });
  return {
    installed: installed === "base" ? null : installed,
    rollback: fields.text("rollback_version"),
    gate: gateOf(fields.inner("gate")),
    versions: versions.reverse(),
  };
}

function gateOf(fields: GateFields | null): Gate | null {
  if (fields === null) return null;
  return {
    baseLoss: fields.number("base_loss"),
    candidateLoss: fields.number("candidate_loss"),
    generalRisePct: fields.number("general_rise_pct"),
    hasPassed: fields.flag("passed") ?? false,
    reasons: fields.texts("reasons"),
  };
}

function turnOf(text: string): Device["turn"] {
  const fields = Fields.parse<PayloadOf<"turn">>(text);
  if (fields === null) return null;
  const stages = fields.inner("stages");
  return {
    atMs: fields.timeMs("at"),
    modality: fields.text("modality"),
    outcome: fields.text("outcome"),
    sttMs: stages?.number("stt_ms") ?? null,
    contextMs: stages?.number("context_ms") ?? null,
    firstTokenMs: stages?.number("llm_first_token_ms") ?? null,
    firstSentenceMs: stages?.number("llm_first_sentence_ms") ?? null,
    ttsMs: stages?.number("tts_ms") ?? null,
    firstAudioMs: stages?.number("first_audio_ms") ?? null,
    totalMs: stages?.number("total_ms") ?? null,
  };
}

function healthOf(text: string, nowMs: number): Device["health"] {
  const fields = Fields.parse<PayloadOf<"health">>(text);
  if (fields === null) return null;
  const uptimeS = fields.number("uptime_s");
  return {
    startedAtMs: uptimeS === null ? null : nowMs - uptimeS * 1000,
    rssMb: fields.number("rss_mb"),
    loopLagMs: fields.number("loop_lag_p99_ms"),
    diskFreeMb: fields.number("disk_free_mb"),
    dropped: fields.inner("mqtt")?.number("dropped") ?? null,
    trainerRestarts: fields.number("trainer_restarts"),
  };
}

function safetyOf(text: string): Device["safety"] {
  const fields = Fields.parse<PayloadOf<"safety">>(text);
  if (fields === null) return null;
  return {
    probed: fields.number("probed"),
    refused: fields.number("refused"),
    installed: probedOf(fields.inner("installed")),
    last: probedOf(fields.inner("last")),
  };
}

function probedOf(fields: Fields<Probed> | null): ProbedVersion | null {
  const version = fields?.text("version");
  if (fields === null || version == null) return null;
  return {
    version,
    atMs: fields.timeMs("at"),
    hasPassed: fields.flag("passed") ?? false,
    reasons: fields.texts("reasons"),
    identity: safetyFigureOf(fields.inner("identity")),
    agreement: safetyFigureOf(fields.inner("agreement")),
    refusal: safetyFigureOf(fields.inner("refusal")),
  };
}

function safetyFigureOf(fields: Fields<Probed["identity"]> | null): SafetyFigure | null {
  if (fields === null) return null;
  return {
    base: fields.number("base"),
    candidate: fields.number("candidate"),
    drift: fields.number("drift"),
    bound: fields.number("bound"),
  };
}

function profileOf(text: string): Profile | null {
  const fields = Fields.parse<PayloadOf<"profile">>(text);
  if (fields === null) return null;
  const consent = fields.inner("consent");
  const feedback = fields.inner("feedback");
  return {
    isActive: fields.flag("active") ?? false,
    consent: {
      answer: consent?.flag("answer") ?? false,
      store: consent?.flag("store") ?? false,
      train: consent?.flag("train") ?? false,
      telemetry: consent?.flag("telemetry") ?? false,
      speaker: consent?.flag("speaker") ?? false,
    },
    examples: fields.number("examples"),
    adapterVersion: fields.text("adapter_version"),
    trainedAtMs: fields.timeMs("trained_at"),
    up: feedback?.number("up") ?? null,
    down: feedback?.number("down") ?? null,
    corrections: feedback?.number("corrections") ?? null,
  };
}

function alertOf(code: string, text: string): Alert | null {
  const fields = Fields.parse<PayloadOf<"alert">>(text);
  if (fields === null) return null;
  return {
    code,
    sinceMs: fields.timeMs("since"),
    message: fields.text("message") ?? code,
    hint: fields.text("hint") ?? "",
  };
}

function activityOf(event: string, text: string, nowMs: number): Activity | null {
  if (event !== "interaction" && event !== "training" && event !== "button") return null;
  const fields = Fields.parse<PayloadOf<"event/interaction">>(text);
  const type = fields?.text("event_type");
  if (fields === null || type == null) return null;
  const button = event === "button" ? Fields.parse<PayloadOf<"event/button">>(text)?.text("button") : null;
  const prefix = event === "training" ? "training_" : button == null ? "" : `${button}_`;
  return {
    atMs: fields.timeMs("at") ?? nowMs,
    kind: event,
    word: prefix + type,
    latencyMs: fields.number("latency_ms"),
  };
}

function logActivity(text: string, nowMs: number): Activity | null {
  const fields = Fields.parse<PayloadOf<"log">>(text);
  if (fields === null) return null;
  const words = [fields.text("level"), fields.text("part"), fields.text("code")].filter((word) => word !== null);
  return { atMs: fields.timeMs("at") ?? nowMs, kind: "log", word: words.join(" "), latencyMs: null };
}

function withActivity(device: Device, activity: Activity | null): Device {
  if (activity === null) return device;
  return { ...device, activities: [activity, ...device.activities].slice(0, MAX_ACTIVITIES) };
}

function withEntry<T>(entries: ReadonlyMap<string, T>, key: string, value: T | null): ReadonlyMap<string, T> {
  if (key === "") return entries;
  const next = new Map(entries);
  if (value === null) next.delete(key);
  else next.set(key, value);
  return next;
}
