import { FIRST_QUERY, type Fleet, type FleetColumn, type FleetQuery, type FleetRow } from "../model/fleet.ts";
import { BOARDS, inWords, PHASES, TRAINING_STATES } from "../model/words.ts";
import { h, KeyedList, type Row, setAttribute, setText, show, uniqueId } from "./dom.ts";
import { button } from "./figures.ts";
import { NOTHING, shortVersion, withUnit } from "./format.ts";

const PAGE_ROWS = 50;
/** Sorting a thousand rows and writing fifty of them takes some ms: four times a second is often enough to watch. */
const EVERY_MS = 250;

const COLUMNS: readonly { readonly key: FleetColumn; readonly name: string; readonly isNumber?: boolean }[] = [
  { key: "id", name: "Device" },
  { key: "phase", name: "State" },
  { key: "alerts", name: "Alerts" },
  { key: "tempC", name: "Temp.", isNumber: true },
  { key: "inputW", name: "Power", isNumber: true },
  { key: "dutyPct", name: "Duty", isNumber: true },
  { key: "training", name: "Learning" },
  { key: "adapter", name: "Adapter" },
  { key: "board", name: "Board" },
  { key: "version", name: "asls" },
];

/** Every device of the broker: sortable, filtered, a page at a time. */
export class FleetView {
  readonly element: HTMLElement;
  readonly #fleet: Fleet;
  readonly #ticker: number;
  readonly #summary = h("p", { class: "soft", role: "status" });
  readonly #phase = h("select", { id: uniqueId("phase") });
  readonly #headings = new Map<FleetColumn, HTMLElement>();
  readonly #rows: KeyedList<FleetRow>;
  readonly #empty = h("p", { class: "empty" });
  readonly #table: HTMLElement;
  readonly #pager: {
    readonly element: HTMLElement;
    readonly text: HTMLElement;
    readonly back: HTMLButtonElement;
    readonly on: HTMLButtonElement;
  };
  #query: FleetQuery = FIRST_QUERY;
  #page = 0;
  #isDirty = true;
  #phases = "";

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
    const body = h("tbody");
    this.#rows = new KeyedList(body, ({ id }) => id, fleetRow);
    this.#table = this.#makeTable(body);
    this.#pager = this.#makePager();
    this.element = h(
      "div",
      { class: "view" },
      h("div", { class: "view-head" }, h("h1", { tabindex: -1 }, "Fleet"), this.#summary),
      this.#makeFilters(),
      this.#empty,
      this.#table,
      this.#pager.element,
    );
    this.#render();
    this.#ticker = window.setInterval(() => this.#renderIfDirty(), EVERY_MS);
  }

  /** Something in the fleet changed. */
  changed(): void {
    this.#isDirty = true;
  }

  close(): void {
    clearInterval(this.#ticker);
  }

  #renderIfDirty(): void {
    if (!this.#isDirty || document.hidden) return;
    requestAnimationFrame(() => this.#render());
  }

  #ask(change: Partial<FleetQuery>): void {
    this.#query = { ...this.#query, ...change };
    this.#page = 0;
    this.#render();
  }

  #render(): void {
    this.#isDirty = false;
    const rows = this.#fleet.rows(this.#query);
    const pages = Math.max(1, Math.ceil(rows.length / PAGE_ROWS));
    this.#page = Math.min(this.#page, pages - 1);
    const first = this.#page * PAGE_ROWS;
    this.#rows.update(rows.slice(first, first + PAGE_ROWS));
    const { size } = this.#fleet;
    setText(
      this.#summary,
      `${size} device${size === 1 ? "" : "s"}${rows.length === size ? "" : `, ${rows.length} shown`}`,
    );
    show(this.#table, rows.length > 0);
    show(this.#empty, rows.length === 0);
    setText(
      this.#empty,
      size === 0 ? "No device has been heard of on this broker yet." : "No device fits these filters.",
    );
    show(this.#pager.element, pages > 1);
    setText(this.#pager.text, `${first + 1} to ${Math.min(first + PAGE_ROWS, rows.length)} of ${rows.length}`);
    this.#pager.back.disabled = this.#page === 0;
    this.#pager.on.disabled = this.#page === pages - 1;
    for (const [key, heading] of this.#headings) {
      const isSorted = key === this.#query.sortBy;
      setAttribute(heading, "aria-sort", isSorted ? (this.#query.isDescending ? "descending" : "ascending") : null);
    }
    this.#renderPhases();
  }

  /** Rebuilt only when its counts change and nobody has it open. */
  #renderPhases(): void {
    const counts = [...this.#fleet.phases()].sort(([a], [b]) => (a < b ? -1 : 1));
    const text = JSON.stringify(counts);
    if (text === this.#phases || document.activeElement === this.#phase) return;
    this.#phases = text;
    const chosen = this.#query.phase;
    this.#phase.replaceChildren(
      h("option", { value: "" }, "Every state"),
      ...counts.map(([phase, count]) =>
        h("option", { value: phase, selected: phase === chosen }, `${phaseText(phase)} (${count})`),
      ),
    );
  }

  #makeFilters(): HTMLElement {
    const textId = uniqueId("filter");
    const text = h("input", {
      id: textId,
      type: "search",
      placeholder: "Id, board, version, alert",
      autocomplete: "off",
    });
    text.addEventListener("input", () => this.#ask({ text: text.value }));
    this.#phase.addEventListener("change", () => this.#ask({ phase: this.#phase.value }));
    const alerts = h("input", { type: "checkbox" });
    alerts.addEventListener("change", () => this.#ask({ onlyAlerts: alerts.checked }));
    return h(
      "div",
      { class: "filters", role: "search", "aria-label": "Devices" },
      h("div", { class: "field" }, h("label", { for: textId }, "Find"), text),
      h("div", { class: "field" }, h("label", { for: this.#phase.id }, "State"), this.#phase),
      h("label", { class: "check" }, alerts, "With alerts only"),
    );
  }

  #makeTable(body: HTMLElement): HTMLElement {
    const headings = COLUMNS.map(({ key, name, isNumber }) => {
      const sort = h("button", { type: "button", class: "sort" }, name);
      sort.addEventListener("click", () => {
        const isSame = this.#query.sortBy === key;
        this.#ask({
          sortBy: key,
          isDescending: isSame ? !this.#query.isDescending : isNumber === true || key === "alerts",
        });
      });
      const heading = h("th", { scope: "col", class: isNumber === true ? "number" : "" }, sort);
      this.#headings.set(key, heading);
      return heading;
    });
    return h(
      "div",
      { class: "table-scroll card", tabindex: 0, role: "region", "aria-label": "Devices" },
      h("table", { class: "fleet" }, h("thead", {}, h("tr", {}, ...headings)), body),
    );
  }

  #makePager() {
    const text = h("span", { "aria-live": "polite" });
    const turn = (by: number) => () => {
      this.#page += by;
      this.#render();
    };
    const back = button("Previous", "plain", turn(-1));
    const on = button("Next", "plain", turn(1));
    return { element: h("nav", { class: "pager", "aria-label": "Pages" }, back, text, on), text, back, on };
  }
}

function phaseText(phase: string): string {
  return phase === "offline" ? "Offline" : phase === "unknown" ? "Unknown" : inWords(PHASES, phase);
}

function fleetRow(first: FleetRow): Row<FleetRow> {
  const link = h("a", { href: `#/device/${encodeURIComponent(first.id)}` }, first.id);
  const phase = h("span", { class: "badge" });
  const alerts = h("span", { class: "fleet-alerts" });
  const alertText = h("span", { class: "soft cell-note" });
  const numbers = [0, 1, 2].map(() => h("td", { class: "number" }));
  const [training, adapter, board, version] = [h("td"), h("td"), h("td"), h("td")];
  const element = h(
    "tr",
    {},
    h("th", { scope: "row" }, link),
    h("td", {}, phase),
    h("td", {}, alerts, alertText),
    ...numbers,
    training,
    adapter,
    board,
    version,
  );
  let shown: FleetRow | null = null;
  return {
    element,
    update: (row) => {
      if (row === shown) return;
      shown = row;
      setText(phase, phaseText(row.phase));
      setAttribute(phase, "data-phase", row.phase);
      setText(alerts, String(row.alerts));
      setAttribute(alerts, "data-some", row.alerts > 0 ? "" : null);
      setText(alertText, row.firstAlert);
      const texts = [
        withUnit(row.tempC, "°C"),
        withUnit(row.inputW, "W", 1),
        row.dutyPct === null ? NOTHING : `${row.dutyPct} %`,
      ];
      for (const [i, cell] of numbers.entries()) setText(cell, texts[i] ?? "");
      const isRunning = row.progressPct !== null;
      setText(
        training,
        row.training === "idle" || row.training === ""
          ? NOTHING
          : `${inWords(TRAINING_STATES, row.training)}${isRunning ? ` ${row.progressPct?.toFixed(0)} %` : ""}`,
      );
      setText(adapter, row.adapter === "" ? NOTHING : shortVersion(row.adapter));
      setText(board, inWords(BOARDS, row.board) || NOTHING);
      setText(version, row.version || NOTHING);
    },
  };
}
