import type { Device, Power } from "../../model/device.ts";
import { type History, upTo } from "../../model/history.ts";
import { ENERGY_SOURCES, GOVERNOR_REASONS, inWords, MODES, PROBES } from "../../model/words.ts";
import { card, h, setText, show, uniqueId } from "../dom.ts";
import { button, Figure } from "../figures.ts";
import { NOTHING, withUnit } from "../format.ts";
import type { Control, Part } from "../page.ts";
import { Plot } from "../plot.ts";

type Mode = "auto" | "quiet" | "performance";

/** Temperature, power and duty, why the governor allows what it allows, and how much it may. */
export function powerPart(control: Control): Part {
  const reason = h("p", { class: "reason", "aria-live": "polite" });
  const temperature = new Figure("Temperature");
  const input = new Figure("Input power");
  const duty = new Figure("Training may use");
  const energy = new Figure("Energy today");
  const thermal = new Plot(
    {
      title: "Temperature and input power",
      isTime: true,
      height: 170,
      lines: [
        { label: "Temperature", unit: "°C", colour: "--plot-1", range: [20, 90], digits: 0 },
        { label: "Power", unit: "W", colour: "--plot-2", range: [0, 10], digits: 1, isRight: true },
      ],
    },
    "The plot begins with the next reading.",
  );
  const share = new Plot(
    {
      title: "Share of the processor that training may use",
      isTime: true,
      height: 120,
      lines: [{ label: "Duty", unit: "%", colour: "--plot-3", range: [0, 104], digits: 0, isStepped: true }],
    },
    "",
  );
  const settings = powerSettings(control);
  const element = card(
    "Power and temperature",
    "power",
    h("div", { class: "figures" }, temperature.element, input.element, duty.element, energy.element),
    reason,
    thermal.element,
    share.element,
    settings.element,
  );
  let shown: History | null = null;
  let shownAtMs = 0;
  return {
    element,
    update: ({ power }, history, nowMs) => {
      if (power !== null) {
        temperature.update(withUnit(power.socTempC, "°C"));
        input.update(withUnit(power.inputW, "W", 1), supplyOf(power));
        duty.update(power.duty === null ? NOTHING : `${Math.round(power.duty * 100)} %`, threadsOf(power));
        energy.update(withUnit(power.todayWh, "Wh", 1), allowanceOf(power));
      }
      setText(reason, reasonOf(power));
      settings.update(power);
      if (history === shown && nowMs - shownAtMs < 5_000) return;
      [shown, shownAtMs] = [history, nowMs];
      const { timesS, tempC, inputW, dutyPct } = upTo(history, nowMs);
      thermal.update(
        [timesS, tempC, inputW],
        `Now ${withUnit(power?.socTempC ?? null, "°C")}, ${withUnit(power?.inputW ?? null, "W", 1)}.`,
      );
      share.update([timesS, dutyPct], `Now ${power?.duty == null ? NOTHING : `${Math.round(power.duty * 100)} %`}.`);
    },
  };
}

function reasonOf(power: Power | null): string {
  if (power === null) return "The device has not said what training may take.";
  const failed = power.failedProbes.map((probe) => inWords(PROBES, probe)).join(", ");
  return inWords(GOVERNOR_REASONS, power.reason) + (failed === "" ? "" : ` Cannot be read: ${failed}.`);
}

function supplyOf({ isOnMains, batteryPct }: Power): string {
  const supply = isOnMains === null ? "" : isOnMains ? "mains" : "battery";
  return batteryPct === null ? supply : `${supply} ${batteryPct.toFixed(0)} %`.trim();
}

function threadsOf({ threads }: Power): string {
  return threads === null ? "" : `of ${threads} thread${threads === 1 ? "" : "s"}`;
}

function allowanceOf({ dailyWh, energySource }: Power): string {
  const limit = dailyWh === null ? "no limit" : `of ${dailyWh} Wh`;
  return energySource === null ? limit : `${limit}, ${inWords(ENERGY_SOURCES, energySource)}`;
}

/**
 * Inputs follow the device, except from when somebody changes them until the device says the same: its next message may
 * still be of the time before.
 */
function powerSettings(control: Control) {
  const modeId = uniqueId("mode");
  const budgetId = uniqueId("budget");
  const modes = Object.entries(MODES).map(([value, text]) => h("option", { value }, text));
  const mode = h("select", { id: modeId }, ...modes);
  const budget = h("input", {
    id: budgetId,
    type: "number",
    min: 0,
    max: 10_000,
    step: "any",
    inputmode: "decimal",
    placeholder: "no limit",
  });
  const isOurs = new Map<HTMLElement, boolean>();
  const follow = (input: HTMLInputElement | HTMLSelectElement, said: string) => {
    if (input.value === said) isOurs.set(input, false);
    else if (isOurs.get(input) !== true && document.activeElement !== input) input.value = said;
  };
  mode.addEventListener("change", async () => {
    isOurs.set(mode, true);
    const chosen = { mode: mode.value as Mode };
    const isDone = await control.request(mode, "power/set_mode", chosen, (data) => {
      return `Power mode: ${inWords(MODES, data.mode)}.`;
    });
    if (!isDone) isOurs.set(mode, false);
  });
  budget.addEventListener("input", () => isOurs.set(budget, true));
  const save = button("Set", "plain", (self) => {
    if (!budget.reportValidity()) return;
    const dailyWh = budget.value === "" ? null : Number(budget.value);
    void control.request(self, "power/set_budget", { daily_wh: dailyWh }, ({ daily_wh: allowed }) =>
      allowed === null ? "No limit on the energy for training." : `Training may take ${allowed} Wh a day.`,
    );
  });
  budget.addEventListener("keydown", (event) => {
    if (event.key === "Enter") save.click();
  });
  const element = h(
    "div",
    { class: "settings" },
    h("div", { class: "field" }, h("label", { for: modeId }, "Power mode"), mode),
    h(
      "div",
      { class: "field" },
      h("label", { for: budgetId }, "Energy for training a day (Wh)"),
      h("div", { class: "with-button" }, budget, save),
    ),
  );
  return {
    element,
    update: (power: Device["power"]) => {
      show(element, power !== null);
      if (power === null) return;
      if (power.mode !== null) follow(mode, power.mode);
      follow(budget, power.dailyWh === null ? "" : String(power.dailyWh));
    },
  };
}
