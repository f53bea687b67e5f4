import { type AppError, type ErrorCode, isAppError } from "../../core/errors.ts";
import type { Logger } from "../../core/logger.ts";
import type { GestureEvents, GestureService } from "../../sensors/gesture-service.ts";
import type { Listener } from "../../sensors/listener.ts";
import type { MicrophoneCondition } from "../../sensors/microphone-health.ts";
import type { SpeechReport } from "../output/speaker.ts";
import type { Alerts } from "./alerts.ts";
import type { ServiceParts } from "./service-parts.ts";

const MICROPHONE_CODES = ["E_MIC_UNAVAILABLE", "E_MIC_LOST"] as const;
const CONDITION_CODES: Readonly<Record<Exclude<MicrophoneCondition, "ok">, ErrorCode>> = {
  silent: "E_MIC_SILENT",
  clipped: "E_MIC_CLIPPED",
  wrong_rate: "E_MIC_RATE",
};
const STORAGE_CODES = ["E_DISK_FULL", "E_DB_IO", "E_DB_CORRUPT", "E_DB_UNAVAILABLE", "E_DB_LOCKED"] as const;
const SPEECH_CODES = ["E_TTS_UNAVAILABLE", "E_TTS_FAILED", "E_AUDIO_OUTPUT_UNAVAILABLE", "E_DISK_FULL"] as const;

/** Ears to dialog: wakes, transcripts, and what is wrong with hearing as alerts. */
export function wireListener(listener: Listener, { dialog, alerts, clock, log, whoSpeaks }: ServiceParts): void {
  let wokenBy: "phrase" | "button" = "button";
  const raised = new Set<ErrorCode>();
  const raise = (error: AppError) => {
    raised.add(error.code);
    alerts.raise(error.code, error.message, error.hint);
  };
  listener.on("wake", ({ by }) => {
    wokenBy = by;
    // A button's wake came from the dialog itself.
    if (by === "phrase") dialog.wake("phrase");
  });
  const cannotTell = (error: unknown) => {
    log.error({ err: String(error) }, "the voice could not be told");
    return null;
  };
  listener.on("transcript", ({ text, sttMs, voice }) => {
    const modality = wokenBy === "button" ? "button" : "voice";
    const endOfSpeechMs = clock.monotonicMs() - sttMs;
    inBackground(log, "a turn", async () => {
      const speaker = voice === null ? null : await whoSpeaks(voice).catch(cannotTell);
      await dialog.heard({ text, endOfSpeechMs, speaker }, modality);
    });
  });
  listener.on("no_speech", ({ reason }) => dialog.heardNothing(reason === "silence" ? "no_speech" : reason));
  listener.on("stt_failed", ({ error }) => {
    raise(error);
    dialog.heardNothing("not_understood");
  });
  listener.on("mic_lost", ({ error }) => {
    raise(error);
    dialog.heardNothing("no_speech");
  });
  listener.on("mic_back", () => clearAll(alerts, MICROPHONE_CODES));
  listener.on("mic_condition", ({ condition }) => {
    clearAll(alerts, Object.values(CONDITION_CODES));
    if (condition !== "ok")
      alerts.raise(CONDITION_CODES[condition], `the microphone is ${condition.replace("_", " ")}`);
  });
  listener.on("engine_failed", ({ error }) => raise(error));
  listener.on("engines_ready", ({ wakePhrase, hasSpeaker }) => {
    const solved = [...raised].filter(
      (code) => (code !== "E_WAKE_PHRASE" || wakePhrase !== null) && (code !== "E_SPEAKER_MODEL" || hasSpeaker),
    );
    clearAll(alerts, solved);
  });
}

/** Whatever changes the stored turns, whose they are, or who reads them. */
export function wirePhrases({ phrases, dialog, models, onProfileChange }: ServiceParts): void {
  const refresh = () => void phrases.refresh();
  models.onLoaded(refresh);
  onProfileChange(refresh);
  dialog.on("turn", () => void phrases.refreshNewest(null));
  dialog.on("feedback", ({ interactionId }) => void phrases.refreshNewest(interactionId));
  dialog.on("consent", refresh);
}

/** Voice prints are computed only while the active person allows it. */
export function wireVoices(
  { dialog, profiles, onProfileChange, log }: ServiceParts,
  onWanted: (isWanted: boolean) => void,
): void {
  const refresh = () =>
    inBackground(log, "looking up the speaker consent", async () => {
      onWanted((await profiles.store.active()).consent.speaker);
    });
  dialog.on("consent", refresh);
  onProfileChange(refresh);
  refresh();
}

/** Buttons: talk wakes and interrupts, held it confirms; up and down rate the last answer. */
export function wireButtons(gestures: GestureService, { dialog, presence, log }: ServiceParts): void {
  const rate = (kind: "thumb_up" | "thumb_down") => {
    dialog.rate(kind, null, true).catch((error: unknown) => {
      const code = isAppError(error) ? error.code : "E_INTERNAL";
      if (code === "E_NOTHING_TO_RATE") log.debug({ code }, "thumb button without an answer to rate");
      else log.error({ code, err: String(error) }, "feedback was not stored");
    });
  };
  const actions: Partial<Record<string, () => void>> = {
    "talk press": () => dialog.wake("button"),
    "talk double_press": () => dialog.wake("button"),
    "talk hold": () => presence.confirm(),
    "up press": () => rate("thumb_up"),
    "up hold": () => inBackground(log, "changing guest mode", () => dialog.setGuest(!dialog.isGuest)),
    "down press": () => rate("thumb_down"),
  };
  // Silence must not wait until the press is known to be one: within 200 ms of the finger.
  gestures.on("contact", ({ button, pressed }) => {
    if (button === "talk" && pressed) dialog.interrupt();
  });
  gestures.on("gesture", ({ button, kind }: GestureEvents["gesture"]) => actions[`${button} ${kind}`]?.());
}

/** A voice or output that fails is an alert until something is heard again. */
export function reportSpeech(alerts: Alerts, report: SpeechReport): void {
  if (report.error !== null) alerts.raise(report.error.code, report.error.message, report.error.hint);
  else if (report.firstAudioMs !== null) clearAll(alerts, SPEECH_CODES);
}

/** A turn that the profile database could not serve is an alert, until one is served again. */
export function wireStorage({ dialog, alerts }: Pick<ServiceParts, "dialog" | "alerts">): void {
  dialog.on("turn", ({ errorCode }) => {
    const code = STORAGE_CODES.find((known) => known === errorCode);
    if (code !== undefined) alerts.raise(code, "the last turn could not be read for or kept");
    else if (errorCode === null) clearAll(alerts, STORAGE_CODES);
  });
}

function clearAll(alerts: Alerts, codes: readonly ErrorCode[]): void {
  for (const code of codes) alerts.clear(code);
}

/** Runs what nobody waits for; a failure is logged, not lost. */
export function inBackground(log: Logger, what: string, work: () => Promise<unknown>): void {
  work().catch((error: unknown) => log.error({ what, err: String(error) }, "background work failed"));
}

/** Tells the adaptation layer what happens: turns, corrections, consent, budget, models. */
export function wireAdaptation({ adaptation, dialog, phase, governor, models, profiles, log }: ServiceParts): void {
  phase.onChange(({ phase: now }) => adaptation.setBusy(now !== "idle"));
  governor.onBudget(() => adaptation.budgetChanged());
  models.onLoaded(() => inBackground(log, "applying the adapter", () => adaptation.modelLoaded()));
  dialog.on("feedback", ({ kind, interactionId }) => {
    if (kind !== "correction" || interactionId === null) return;
    inBackground(log, "learning a correction", async () => adaptation.corrected((await profiles.store.active()).id));
  });
}
