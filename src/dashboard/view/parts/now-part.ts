import type { Device, Turn } from "../../model/device.ts";
import { inWords, MODALITIES, OUTCOMES, PHASE_HINTS, PHASES } from "../../model/words.ts";
import { card, h, icon, setAttribute, setText, show } from "../dom.ts";
import { Switch } from "../figures.ts";
import { ago, duration, longDuration } from "../format.ts";
import type { Control, Part } from "../page.ts";

const STAGES = [
  { name: "Hearing", kind: "stt", of: (turn: Turn) => turn.sttMs },
  { name: "Profile", kind: "context", of: (turn: Turn) => turn.contextMs },
  { name: "Model", kind: "llm", of: (turn: Turn) => turn.firstSentenceMs },
  { name: "Voice", kind: "tts", of: (turn: Turn) => turn.ttsMs },
] as const;

/** What it is doing for its user, how fast the last answer was, and whether it listens. */
export function nowPart(control: Control): Part {
  const dot = h("span", { class: "phase-dot", "aria-hidden": "true" });
  const phase = h("p", { class: "phase", "aria-live": "polite" });
  const hint = h("p", { class: "soft" });
  const microphone = new Switch("Microphone", (isOn, button) => {
    void control.request(button, "mic/set", { muted: !isOn }, ({ muted }) =>
      muted ? "The microphone is off." : "The microphone is on.",
    );
  });
  const turn = turnBlock(control);
  const element = card(
    "Now",
    "now",
    h("div", { class: "phase-row" }, dot, h("div", {}, phase, hint)),
    h("div", { class: "rows" }, microphone.element),
    turn.element,
  );
  return {
    element,
    update: (device, _history, nowMs) => {
      const { isOnline, state } = device;
      const word = isOnline === false ? "offline" : (state?.phase ?? "unknown");
      setAttribute(dot, "data-phase", word);
      setText(
        phase,
        isOnline === false ? "Offline" : state === null ? "Waiting for news" : inWords(PHASES, state.phase),
      );
      setText(hint, hintOf(device, nowMs));
      microphone.update(state?.isMuted == null ? null : !state.isMuted);
      turn.update(device, nowMs);
    },
  };
}

function hintOf({ isOnline, state }: Device, nowMs: number): string {
  if (isOnline === false) return "The device is not connected; what is shown is what it said last.";
  if (state === null) return "The device has not said anything yet.";
  const since = state.sinceMs === null ? "" : ` For ${longDuration((nowMs - state.sinceMs) / 1000)}.`;
  return (Object.hasOwn(PHASE_HINTS, state.phase) ? inWords(PHASE_HINTS, state.phase) : "") + since;
}

function turnBlock(control: Control) {
  const title = h("h3", {}, "Last answer");
  const when = h("p", { class: "soft" });
  const total = h("span", { class: "turn-total" });
  const what = h("span", { class: "soft" });
  const bar = h("div", { class: "stage-bar", "aria-hidden": "true" });
  const segments = STAGES.map(({ kind }) => {
    const segment = h("span", { class: `stage stage-${kind}` });
    bar.append(segment);
    return segment;
  });
  const legend = h("dl", { class: "stage-legend" });
  const values = STAGES.map(({ name, kind }) => {
    const value = h("dd", {}, "–");
    legend.append(
      h("div", {}, h("dt", {}, h("span", { class: `key stage-${kind}`, "aria-hidden": "true" }), name), value),
    );
    return value;
  });
  const rate = (rating: 1 | -1) => (event: Event) => {
    void control.request(
      event.currentTarget as HTMLElement,
      "feedback/submit",
      { target: "last", rating },
      ({ outcome }) =>
        outcome === "recorded"
          ? "Thank you: the rating is stored."
          : { failed: "There is no answer to rate.", hint: "Ask something first, then rate the answer." },
    );
  };
  const thumbs = h(
    "div",
    { class: "thumbs", role: "group", "aria-label": "Rate the last answer" },
    h(
      "button",
      { type: "button", class: "button icon-button", "aria-label": "Good answer", click: rate(1) },
      icon("up"),
    ),
    h(
      "button",
      { type: "button", class: "button icon-button", "aria-label": "Bad answer", click: rate(-1) },
      icon("down"),
    ),
  );
  const figures = h("div", {}, h("div", { class: "turn-head" }, total, what), bar, legend);
  const element = h(
    "div",
    { class: "block turn" },
    h("div", { class: "block-head" }, h("div", {}, title, when), thumbs),
    figures,
  );
  return {
    element,
    update: ({ turn }: Device, nowMs: number) => {
      show(figures, turn !== null);
      if (turn === null) return setText(when, "Nothing was asked since it started.");
      const words = [inWords(OUTCOMES, turn.outcome), inWords(MODALITIES, turn.modality), ago(turn.atMs, nowMs)];
      setText(when, words.filter((word) => word !== "").join(", "));
      setText(what, turn.firstAudioMs === null ? "in all, nothing was spoken" : "to the first sound");
      setText(total, duration(turn.firstAudioMs ?? turn.totalMs));
      const sum = STAGES.reduce((ms, stage) => ms + (stage.of(turn) ?? 0), 0);
      for (const [i, stage] of STAGES.entries()) {
        const ms = stage.of(turn);
        const segment = segments[i];
        const value = values[i];
        if (segment !== undefined) segment.style.flexGrow = String(sum === 0 ? 0 : (ms ?? 0) / sum);
        if (value !== undefined) setText(value, duration(ms));
      }
    },
  };
}
