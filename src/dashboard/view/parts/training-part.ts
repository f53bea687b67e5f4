import type { Training } from "../../model/device.ts";
import { FAILURES, HOLDS, INELIGIBLE, inWords, JOB_KINDS, TRAINING_STATES } from "../../model/words.ts";
import { card, h, setAttribute, setText, show } from "../dom.ts";
import { button, Facts, Switch } from "../figures.ts";
import { longDuration, NOTHING, number } from "../format.ts";
import type { Control, Part } from "../page.ts";
import { Plot } from "../plot.ts";

/** What training does, how far it is, what holds it back, and the ways to start and stop it. */
export function trainingPart(control: Control): Part {
  const state = h("p", { class: "lead", "aria-live": "polite" });
  const why = h("p", { class: "soft" });
  const bar = h(
    "div",
    { class: "progress", role: "progressbar", "aria-label": "Progress", "aria-valuemin": 0, "aria-valuemax": 100 },
    h("span", {}),
  );
  const barText = h("p", { class: "soft progress-text" });
  const progress = h("div", { class: "progress-block" }, bar, barText);
  const facts = new Facts(["Remembered conversations", "New since the last training", "Loss of the last step"]);
  const curve = new Plot(
    {
      title: "Loss of each training step",
      isTime: false,
      height: 150,
      lines: [{ label: "Loss", unit: "nats a token", colour: "--plot-1", range: null, digits: 3 }],
    },
    "The loss curve of a training that runs while this page is open appears here.",
  );
  const actions = trainingActions(control);
  const element = card(
    "Learning",
    "training",
    h("div", { class: "rows" }, actions.learning.element),
    h("div", { class: "block" }, state, why, progress),
    h("div", { class: "actions" }, actions.start, actions.pause, actions.resume, actions.cancel),
    facts.element,
    curve.element,
  );
  let drawn: readonly number[] = [];
  return {
    element,
    update: (device, history) => {
      const { training } = device;
      setText(state, training === null ? "The device has not said." : stateText(training));
      setText(why, training === null ? "" : whyText(training));
      const pct = training?.progressPct ?? null;
      const isRunning = training?.jobId != null || pct !== null;
      show(progress, pct !== null);
      setAttribute(bar, "aria-valuenow", pct === null ? null : String(Math.round(pct)));
      (bar.firstElementChild as HTMLElement).style.width = `${pct ?? 0}%`;
      setText(barText, training === null ? "" : progressText(training));
      facts.update([
        number(training?.examples ?? null),
        number(training?.newInteractions ?? null),
        number(training?.loss ?? null, 3),
      ]);
      actions.learning.update(device.state?.isLearning ?? null);
      const isPaused = training?.hold === "paused" || training?.state === "paused";
      show(actions.pause, training?.hold !== "paused");
      show(actions.resume, training?.hold === "paused");
      actions.start.disabled = training === null || isRunning || isPaused;
      actions.cancel.disabled = !isRunning;
      if (history.steps === drawn) return;
      drawn = history.steps;
      curve.update(
        [history.steps, history.losses],
        `${history.steps.length} steps, last ${number(history.losses.at(-1) ?? null, 3)}.`,
      );
    },
  };
}

function stateText({ state, kind, jobId, failure }: Training): string {
  const text = inWords(TRAINING_STATES, state);
  if (jobId === null && failure !== null) return `${text}; the last one stopped: ${inWords(FAILURES, failure)}`;
  return kind === null ? text : `${text} (${inWords(JOB_KINDS, kind)})`;
}

function whyText({ jobId, hold, isEligible, reasons }: Training): string {
  if (jobId !== null) return hold === null || hold === "none" ? "Nothing holds it back." : inWords(HOLDS, hold);
  if (hold === "paused" || hold === "learning_off") return inWords(HOLDS, hold);
  if (isEligible) return "The next training may begin.";
  const words = reasons.map((reason) => inWords(INELIGIBLE, reason));
  return words.length === 0 ? "" : `The next training waits: ${words.join("; ")}.`;
}

function progressText({ step, steps, etaS, progressPct }: Training): string {
  const parts = [
    progressPct === null ? null : `${progressPct.toFixed(0)} %`,
    step === null ? null : `step ${step}${steps === null ? "" : ` of ${steps}`}`,
    etaS === null ? null : `about ${longDuration(etaS)} left`,
  ].filter((part) => part !== null);
  return parts.length === 0 ? NOTHING : parts.join(", ");
}

function trainingActions(control: Control) {
  return {
    learning: new Switch("Learning, for the whole household", (isOn, self) => {
      const question = {
        title: "Switch learning off?",
        text: "Nothing will be remembered, used or trained until it is switched on again, and the model answers without what it learned. What is stored stays.",
        action: "Switch off",
      };
      void control.request(
        self,
        "learning/set",
        { enabled: isOn },
        ({ enabled }) => (enabled ? "Learning is on." : "Learning is off."),
        isOn ? undefined : question,
      );
    }),
    start: button("Train now", "primary", (self) => {
      void control.request(self, "training/start", {}, ({ outcome, reasons }) =>
        outcome === "queued"
          ? "The training is queued."
          : {
              failed: "It cannot train now.",
              hint: `${reasons.map((reason) => inWords(INELIGIBLE, reason)).join("; ")}.`,
            },
      );
    }),
    pause: button("Pause", "plain", (self) => {
      void control.request(self, "training/pause", {}, () => "Training is paused.");
    }),
    resume: button("Resume", "plain", (self) => {
      void control.request(self, "training/resume", {}, () => "Training may go on.");
    }),
    cancel: button("Cancel", "plain", (self) => {
      void control.request(
        self,
        "training/cancel",
        {},
        ({ cancelled }) => (cancelled ? "The training was cancelled." : "There was no training to cancel."),
        {
          title: "Cancel this training?",
          text: "What it came to so far is lost. The adapter in use stays.",
          action: "Cancel training",
          isDangerous: true,
        },
      );
    }),
  };
}
