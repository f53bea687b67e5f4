import type { AdapterVersion, Gate } from "../../model/device.ts";
import { GATE_REASONS, inWords, VERSION_STATES } from "../../model/words.ts";
import { card, h, KeyedList, type Row, setAttribute, setText, show } from "../dom.ts";
import { button } from "../figures.ts";
import { dateTime, NOTHING, number, perplexity, shortVersion } from "../format.ts";
import type { Control, Part } from "../page.ts";

/** Versions of the personal adapter with what the gate measured, and the ways back and forth between them. */
export function adapterPart(control: Control): Part {
  const lead = h("p", { class: "lead" });
  const gain = h("p", { class: "soft" });
  const body = h("tbody");
  const table = h(
    "div",
    { class: "table-scroll", tabindex: 0, role: "region", "aria-label": "Adapter versions" },
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          ...["Version", "State", "Trained", "Your words", "General text", "Gate"].map((name) =>
            h("th", { scope: "col" }, name),
          ),
          h("th", { scope: "col" }, h("span", { class: "visually-hidden" }, "Action")),
        ),
      ),
      body,
    ),
  );
  const empty = h(
    "p",
    { class: "empty" },
    "No adapter yet. After the first training that passes its gate, its versions are listed here.",
  );
  const rollback = button("Roll back", "plain", (self) => {
    void control.request(
      self,
      "adapter/rollback",
      {},
      ({ adapter }) =>
        adapter === null
          ? "No adapter is in use now: the model answers alone."
          : `Adapter ${shortVersion(adapter)} is in use.`,
      {
        title: "Go back to the adapter before?",
        text: "The assistant answers with the older version from its next answer on. The present one is kept.",
        action: "Roll back",
      },
    );
  });
  const rows = new KeyedList<AdapterVersion>(
    body,
    ({ version }) => version,
    () => versionRow(control),
  );
  const element = card(
    "Personal adapter",
    "adapter",
    h("div", { class: "block-head" }, h("div", {}, lead, gain), rollback),
    table,
    empty,
  );
  return {
    element,
    update: ({ adapter }) => {
      const versions = adapter?.versions ?? [];
      setText(
        lead,
        adapter === null
          ? "The device has not said."
          : adapter.installed === null
            ? "The model answers without an adapter"
            : `Version ${shortVersion(adapter.installed)} is in use`,
      );
      setText(gain, gainText(adapter?.gate ?? null));
      rollback.disabled = adapter?.installed == null;
      rows.update(versions);
      show(table, versions.length > 0);
      show(empty, versions.length === 0);
    },
  };
}

function gainText(gate: Gate | null): string {
  if (gate === null || gate.baseLoss === null || gate.candidateLoss === null) return "";
  const lower = 100 * (1 - Math.exp(gate.candidateLoss - gate.baseLoss));
  return `On the newest words of its user, never trained on, perplexity went from ${perplexity(gate.baseLoss)} to ${perplexity(gate.candidateLoss)} (${lower >= 0 ? "−" : "+"}${Math.abs(lower).toFixed(0)} %).`;
}

function versionRow(control: Control): Row<AdapterVersion> {
  const name = h("th", { scope: "row" });
  const code = h("code", {});
  name.append(code);
  const state = h("span", { class: "badge" });
  const [trained, words, general] = [
    h("td", { class: "number" }),
    h("td", { class: "number" }),
    h("td", { class: "number" }),
  ];
  const [when, from] = [h("span"), h("span", { class: "soft cell-note" })];
  trained.append(when, from);
  const gate = h("td", {});
  const gateMark = h("span", { class: "badge" });
  const gateWhy = h("span", { class: "soft cell-note" });
  gate.append(gateMark, gateWhy);
  let version = "";
  const activate = button("Use", "small", (self) => {
    void control.request(
      self,
      "adapter/activate",
      { version },
      ({ adapter }) => `Adapter ${shortVersion(adapter)} is in use.`,
      {
        title: `Use version ${shortVersion(version)}?`,
        text: "The assistant answers with it from its next answer on. The present one is kept.",
        action: "Use it",
      },
    );
  });
  const element = h(
    "tr",
    {},
    name,
    h("td", {}, state),
    trained,
    words,
    general,
    gate,
    h("td", { class: "action" }, activate),
  );
  return {
    element,
    update: (item) => {
      version = item.version;
      setText(code, shortVersion(item.version));
      setAttribute(code, "title", item.version);
      setText(state, inWords(VERSION_STATES, item.state));
      setAttribute(state, "data-state", item.state);
      const { gate: measured } = item;
      setText(when, dateTime(item.createdAtMs));
      setText(from, item.examples === null ? "" : `${item.examples} conversations`);
      setText(words, `${perplexity(measured?.baseLoss ?? null)} → ${perplexity(measured?.candidateLoss ?? null)}`);
      setText(general, signedPct(measured?.generalRisePct ?? null));
      setText(gateMark, measured === null ? NOTHING : measured.hasPassed ? "Passed" : "Refused");
      setAttribute(gateMark, "data-state", measured?.hasPassed === true ? "passed" : "refused");
      setText(gateWhy, (measured?.reasons ?? []).map((reason) => inWords(GATE_REASONS, reason)).join("; "));
      setAttribute(activate, "aria-label", `Use version ${shortVersion(item.version)}`);
      show(
        activate,
        item.isUsable && item.state !== "active" && item.state !== "revoked" && measured?.hasPassed === true,
      );
    },
  };
}

function signedPct(value: number | null): string {
  return value === null ? NOTHING : `${value >= 0 ? "+" : "−"}${number(Math.abs(value), 1)} %`;
}
