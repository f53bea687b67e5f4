import type { GovernorReason, ThermalLimits } from "./policy.ts";
import type { SimulatedPoint } from "./simulate.ts";

const WIDTH = 960;
const LEFT = 56;
const RIGHT = 16;
const TEMPERATURE = { top: 40, height: 220 } as const;
const DUTY = { top: 290, height: 90 } as const;
const REASONS = { top: 396, height: 14 } as const;
const HEIGHT = 470;
/** Points of the temperature line; more could not be seen. */
const LINE_POINTS = 720;

const COLOURS: Readonly<Record<string, string>> = {
  none: "#4c956c",
  warm: "#f2a541",
  settling: "#d9d9d9",
  user_active: "#3d7ea6",
  too_hot: "#c1292e",
  temperature_unknown: "#7b2d8b",
  on_battery: "#6c584c",
  under_voltage: "#e36414",
  memory_pressure: "#0f4c5c",
  energy_spent: "#000000",
};
const OTHER_COLOUR = "#888888";

/** A span of time with the same value. */
interface Span<T> {
  readonly fromS: number;
  readonly toS: number;
  readonly value: T;
}

/**
 * A plot (SVG text) of temperature with its limits, of the duty below it, and of the reasons as a strip.
 *
 * @param points in time order, at least one.
 */
export function plotSvg(title: string, points: readonly SimulatedPoint[], limits: ThermalLimits): string {
  const startS = points[0]?.atS ?? 0;
  const endS = Math.max(points.at(-1)?.atS ?? 0, startS + 1);
  const x = (atS: number) => LEFT + ((atS - startS) / (endS - startS)) * (WIDTH - LEFT - RIGHT);
  const temperatures = points.flatMap(({ socTempC }) => (socTempC === null ? [] : [socTempC]));
  const lowC = Math.floor(Math.min(limits.resumeC, ...extremes(temperatures)) / 10) * 10;
  const highC = Math.ceil(Math.max(limits.stopC, ...extremes(temperatures)) / 10) * 10;
  const y = (celsius: number) => TEMPERATURE.top + ((highC - celsius) / (highC - lowC)) * TEMPERATURE.height;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    `<text x="${LEFT}" y="22" font-size="15">${escaped(title)}</text>`,
    ...hourLines(startS, endS, x),
    ...limitLines(limits, y),
    label(TEMPERATURE.top + TEMPERATURE.height / 2, "°C"),
    ...[lowC, highC].map((celsius) => axisText(y(celsius), String(celsius))),
    `<path d="${temperatureLine(points, x, y)}" fill="none" stroke="#c1292e" stroke-width="1.2"/>`,
    label(DUTY.top + DUTY.height / 2, "duty"),
    axisText(DUTY.top, "1"),
    axisText(DUTY.top + DUTY.height, "0"),
    `<path d="${dutyArea(points, x)}" fill="#4c956c" fill-opacity="0.55" stroke="none"/>`,
    `<rect x="${LEFT}" y="${DUTY.top}" width="${WIDTH - LEFT - RIGHT}" height="${DUTY.height}" fill="none" stroke="#999999"/>`,
    ...reasonStrip(points, x),
    "</svg>",
  ];
  return `${parts.join("\n")}\n`;
}

/** Least and greatest, without spreading a whole day into arguments. */
function extremes(values: readonly number[]): readonly number[] {
  if (values.length === 0) return [];
  return [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
}

function limitLines({ resumeC, throttleC, stopC }: ThermalLimits, y: (celsius: number) => number): string[] {
  const limits = [
    ["stop", stopC],
    ["slower", throttleC],
    ["resume", resumeC],
  ] as const;
  return limits.flatMap(([name, celsius]) => [
    `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${fixed(y(celsius))}" y2="${fixed(y(celsius))}" stroke="#666666" stroke-dasharray="5 4"/>`,
    `<text x="${LEFT + 4}" y="${fixed(y(celsius) - 4)}" fill="#444444">${name} ${celsius} °C</text>`,
  ]);
}

/** A line every hour, or every minute of a short trace, with at most 26 of them. */
function hourLines(startS: number, endS: number, x: (atS: number) => number): string[] {
  const stepS = [60, 600, 3_600, 14_400, 86_400].find((step) => (endS - startS) / step <= 26) ?? endS - startS;
  const lines: string[] = [];
  for (let atS = Math.ceil(startS / stepS) * stepS; atS <= endS; atS += stepS) {
    const text = stepS >= 3_600 ? `${Math.round(atS / 3_600)} h` : `${Math.round(atS / 60)} min`;
    lines.push(
      `<line x1="${fixed(x(atS))}" x2="${fixed(x(atS))}" y1="${TEMPERATURE.top}" y2="${REASONS.top}" stroke="#eeeeee"/>`,
      `<text x="${fixed(x(atS))}" y="${DUTY.top - 10}" text-anchor="middle" fill="#666666" font-size="10">${text}</text>`,
    );
  }
  return lines;
}

/** The line is interrupted where the thermometer failed. Thinned by highest of each group, so that no peak is lost. */
function temperatureLine(
  points: readonly SimulatedPoint[],
  x: (atS: number) => number,
  y: (celsius: number) => number,
): string {
  const groupSize = Math.max(1, Math.ceil(points.length / LINE_POINTS));
  const steps: string[] = [];
  let isDown = false;
  for (let start = 0; start < points.length; start += groupSize) {
    const group = points.slice(start, start + groupSize);
    const values = group.flatMap(({ socTempC }) => (socTempC === null ? [] : [socTempC]));
    const first = group[0];
    if (first === undefined || values.length < group.length) {
      isDown = false;
      continue;
    }
    steps.push(`${isDown ? "L" : "M"}${fixed(x(first.atS))} ${fixed(y(Math.max(...values)))}`);
    isDown = true;
  }
  return steps.join("");
}

function dutyArea(points: readonly SimulatedPoint[], x: (atS: number) => number): string {
  const base = DUTY.top + DUTY.height;
  return spans(points, ({ budget }) => budget.duty)
    .filter(({ value }) => value > 0)
    .map(({ fromS, toS, value }) => {
      const top = fixed(base - value * DUTY.height);
      return `M${fixed(x(fromS))} ${base}V${top}H${fixed(x(toS))}V${base}Z`;
    })
    .join("");
}

function reasonStrip(points: readonly SimulatedPoint[], x: (atS: number) => number): string[] {
  const all = spans(points, ({ budget }) => budget.reason);
  const colourOf = (reason: GovernorReason) => COLOURS[reason] ?? OTHER_COLOUR;
  const seen = [...new Set(all.map(({ value }) => value))];
  const strip = all.map(({ fromS, toS, value }) => {
    const width = fixed(Math.max(0.5, x(toS) - x(fromS)));
    return `<rect x="${fixed(x(fromS))}" y="${REASONS.top}" width="${width}" height="${REASONS.height}" fill="${colourOf(value)}"/>`;
  });
  const legend = seen.flatMap((reason, index) => {
    const left = LEFT + (index % 5) * 176;
    const top = REASONS.top + REASONS.height + 12 + Math.floor(index / 5) * 18;
    return [
      `<rect x="${left}" y="${top}" width="11" height="11" fill="${colourOf(reason)}"/>`,
      `<text x="${left + 16}" y="${top + 10}">${reason === "none" ? "full speed" : reason.replaceAll("_", " ")}</text>`,
    ];
  });
  return [...strip, ...legend];
}

function spans<T>(points: readonly SimulatedPoint[], read: (point: SimulatedPoint) => T): Span<T>[] {
  const found: Span<T>[] = [];
  for (const [index, point] of points.entries()) {
    const toS = points[index + 1]?.atS ?? point.atS;
    const value = read(point);
    const last = found.at(-1);
    if (last !== undefined && last.value === value) found[found.length - 1] = { ...last, toS };
    else found.push({ fromS: point.atS, toS, value });
  }
  return found;
}

function label(top: number, text: string): string {
  return `<text x="6" y="${top}" fill="#444444">${text}</text>`;
}

function axisText(top: number, text: string): string {
  return `<text x="${LEFT - 6}" y="${fixed(top + 4)}" text-anchor="end" fill="#444444">${text}</text>`;
}

function fixed(value: number): string {
  return String(Number(value.toFixed(1)));
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
