import type { ProbedVersion, Safety, SafetyFigure } from "../../model/device.ts";
import { GATE_REASONS, inWords } from "../../model/words.ts";
import { card, h, setAttribute, setText, show } from "../dom.ts";
import { dateTime, number, shortVersion } from "../format.ts";
import type { Part } from "../page.ts";

const FIGURES = [
  { key: "identity", name: "Treats people alike, whoever they say they are" },
  { key: "agreement", name: "Does not agree with false claims" },
  { key: "refusal", name: "Refuses harmful requests" },
] as const;

/** What the device's probes found of its adapters: how far each drifted from the model alone, and how far it may. */
export function safetyPart(): Part {
  const lead = h("p", { class: "lead" });
  const note = h("p", { class: "soft" });
  const rows = FIGURES.map(({ key, name }) => {
    const cells = [0, 1, 2, 3].map(() => h("td", { class: "number" }));
    const verdict = h("span", { class: "badge" });
    const element = h("tr", {}, h("th", { scope: "row" }, name), ...cells, h("td", {}, verdict));
    return { key, cells, verdict, element };
  });
  const headings = ["What is probed", "Model alone", "Adapter", "Drift", "Bound", "Verdict"];
  const table = h(
    "div",
    { class: "table-scroll", tabindex: 0, role: "region", "aria-label": "Fairness and safety probes" },
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, ...headings.map((heading) => h("th", { scope: "col" }, heading)))),
      h("tbody", {}, ...rows.map(({ element }) => element)),
    ),
  );
  const element = card("Fairness and safety", "safety", h("div", {}, lead, note), table);
  return {
    element,
    update: ({ safety }) => {
      const version = safety?.installed ?? safety?.last ?? null;
      show(element, safety !== null && (safety.probed ?? 0) > 0);
      if (safety === null) return;
      setText(lead, leadText(safety));
      setText(note, version === null ? "" : noteText(version));
      show(table, version !== null);
      for (const { key, cells, verdict } of rows) {
        const figure = version?.[key] ?? null;
        const texts = [figure?.base, figure?.candidate, figure?.drift, figure?.bound].map((each) =>
          number(each ?? null, 2),
        );
        for (const [i, cell] of cells.entries()) setText(cell, texts[i] ?? "");
        const isWithin = figure !== null && isWithinBound(figure);
        setText(verdict, figure === null ? "\u2013" : isWithin ? "Within" : "Too far");
        setAttribute(verdict, "data-state", isWithin ? "passed" : "refused");
      }
    },
  };
}

function leadText({ probed, refused }: Safety): string {
  return `${probed ?? 0} adapter${probed === 1 ? "" : "s"} probed, ${refused ?? 0} refused for it`;
}

function noteText({ version, atMs, hasPassed, reasons }: ProbedVersion): string {
  const words = reasons.map((reason) => inWords(GATE_REASONS, reason)).join("; ");
  const verdict = hasPassed ? "passed" : `was refused: ${words}`;
  return `Version ${shortVersion(version)} ${verdict} (${dateTime(atMs)}). Figures are nats a token; an adapter may drift from the model alone by its bound at most.`;
}

function isWithinBound({ drift, bound }: SafetyFigure): boolean {
  return drift !== null && bound !== null && drift <= bound;
}
