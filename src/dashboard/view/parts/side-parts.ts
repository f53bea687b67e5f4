import { type Activity, type Alert, activeProfile, type Profile } from "../../model/device.ts";
import { BOARDS, CAPABILITIES, EVENTS, inWords, PURPOSES } from "../../model/words.ts";
import { card, h, icon, KeyedList, type Row, setAttribute, setText, show } from "../dom.ts";
import { button, Facts, Figure } from "../figures.ts";
import {
  ago,
  clockTime,
  dateTime,
  duration,
  longDuration,
  NOTHING,
  number,
  shortVersion,
  withUnit,
} from "../format.ts";
import type { Control, Part } from "../page.ts";

/** What needs attention, each with what to do. */
export function alertsPart(): Part {
  const list = h("ul", { class: "alerts" });
  const calm = h("p", { class: "calm" }, icon("check"), "Nothing needs attention.");
  const rows = new KeyedList<Alert & { readonly nowMs: number }>(list, ({ code }) => code, alertRow);
  const element = h("section", { class: "alert-strip", "aria-label": "Alerts" }, calm, list);
  return {
    element,
    update: ({ alerts, isOnline }, _history, nowMs) => {
      rows.update([...alerts.values()].map((alert) => ({ ...alert, nowMs })));
      show(list, alerts.size > 0);
      show(calm, alerts.size === 0 && isOnline === true);
    },
  };
}

function alertRow(): Row<Alert & { readonly nowMs: number }> {
  const message = h("strong");
  const code = h("code");
  const since = h("span", { class: "soft" });
  const hint = h("p", {});
  const head = h("p", { class: "alert-head" }, message, code, since);
  return {
    element: h("li", { class: "alert" }, icon("warning"), h("div", {}, head, hint)),
    update: (alert) => {
      setText(message, alert.message);
      setText(code, alert.code);
      setText(since, ago(alert.sinceMs, alert.nowMs));
      setText(hint, alert.hint);
    },
  };
}

type Purpose = keyof Profile["consent"];

/** What its user allowed, how often answers were judged, and the way to take consent back. */
export function consentPart(control: Control): Part {
  const marks = (Object.keys(PURPOSES) as Purpose[]).map((key) => {
    const name = PURPOSES[key];
    const badge = h("span", { class: "badge" });
    const revoke = button("Withdraw", "small", (self) => {
      void control.request(
        self,
        "consent/revoke",
        { purpose: key },
        ({ revoked }) => (revoked.length === 0 ? "There was no such consent." : "The consent is withdrawn."),
        {
          title: "Withdraw this consent?",
          text: "It holds at once. Giving it again needs somebody at the device: by voice, or with the talk button held.",
          action: "Withdraw",
          isDangerous: true,
        },
      );
    });
    setAttribute(revoke, "aria-label", `Withdraw: ${name}`);
    return { key, badge, revoke, element: h("li", {}, h("span", {}, name), badge, revoke) };
  });
  const up = new Figure("Liked");
  const down = new Figure("Disliked");
  const corrected = new Figure("Corrected");
  const facts = new Facts(["Remembered", "Last trained", "Adapter"]);
  const none = h("p", { class: "empty" }, "The device has not said what its user allows.");
  const body = h(
    "div",
    {},
    h("ul", { class: "consents" }, ...marks.map(({ element }) => element)),
    h("h3", {}, "Feedback"),
    h("div", { class: "figures" }, up.element, down.element, corrected.element),
    facts.element,
  );
  return {
    element: card("Consent and feedback", "consent", none, body),
    update: (device) => {
      const profile = activeProfile(device);
      show(none, profile === null);
      show(body, profile !== null);
      if (profile === null) return;
      for (const { key, badge, revoke } of marks) {
        setText(badge, profile.consent[key] ? "Allowed" : "Not allowed");
        setAttribute(badge, "data-state", profile.consent[key] ? "passed" : "off");
        show(revoke, profile.consent[key]);
      }
      up.update(number(profile.up));
      down.update(number(profile.down));
      corrected.update(number(profile.corrections));
      facts.update([
        profile.examples === null ? NOTHING : `${profile.examples} conversations`,
        dateTime(profile.trainedAtMs),
        shortVersion(profile.adapterVersion),
      ]);
    },
  };
}

/** What happened since the page was opened. */
export function activityPart(): Part {
  const list = h("ol", { class: "activities" });
  const empty = h(
    "p",
    { class: "empty" },
    "What happens while this page is open is listed here: no words of it, only that it happened.",
  );
  let shown: readonly Activity[] | null = null;
  return {
    element: card("Activity", "activity", empty, list),
    update: ({ activities }) => {
      if (activities === shown) return;
      shown = activities;
      show(empty, activities.length === 0);
      show(list, activities.length > 0);
      list.replaceChildren(
        ...activities
          .slice(0, 12)
          .map(({ atMs, kind, word, latencyMs }) =>
            h(
              "li",
              { "data-kind": kind },
              h("time", { datetime: new Date(atMs).toISOString() }, clockTime(atMs)),
              h(
                "span",
                {},
                inWords(EVENTS, word),
                latencyMs === null ? null : h("span", { class: "soft" }, ` after ${duration(latencyMs)}`),
              ),
            ),
          ),
      );
    },
  };
}

/** What the device is and how its service fares. */
export function devicePart(control: Control): Part {
  const facts = new Facts([
    "Board",
    "Model",
    "asls",
    "Node.js",
    "Has",
    "Running for",
    "Memory",
    "Free disk",
    "Event loop delay",
    "Id",
  ]);
  const restart = button("Restart", "danger", (self) => {
    void control.request(self, "restart", {}, () => "The service restarts.", {
      title: "Restart the service?",
      text: "It does not hear anybody for some seconds. A training under way goes on afterwards.",
      action: "Restart",
      isDangerous: true,
    });
  });
  return {
    element: card("Device", "device", facts.element, h("div", { class: "actions" }, restart)),
    update: ({ id, info, health, isOnline }, _history, nowMs) => {
      restart.disabled = isOnline !== true;
      facts.update([
        info === null ? NOTHING : inWords(BOARDS, info.board),
        info?.model ?? NOTHING,
        info?.version ?? NOTHING,
        info?.node ?? NOTHING,
        (info?.capabilities ?? []).map((each) => inWords(CAPABILITIES, each)).join(", ") || NOTHING,
        isOnline === true && health?.startedAtMs != null ? longDuration((nowMs - health.startedAtMs) / 1000) : NOTHING,
        withUnit(health?.rssMb ?? null, "MB"),
        health?.diskFreeMb == null ? NOTHING : `${(health.diskFreeMb / 1024).toFixed(1)} GB`,
        withUnit(health?.loopLagMs ?? null, "ms"),
        id,
      ]);
    },
  };
}
