import uPlot from "../vendor/uplot.js";

export interface Line {
  readonly label: string;
  readonly unit: string;
  /** CSS custom property with its colour. */
  readonly colour: string;
  /** Axis at the right instead of the left. */
  readonly isRight?: boolean;
  /** What its axis shows at least; wider when the data is. Null = the data's own range. */
  readonly range: readonly [number, number] | null;
  readonly digits: number;
  /** A value holds until the next one. */
  readonly isStepped?: boolean;
}

export interface PlotOptions {
  readonly title: string;
  readonly lines: readonly Line[];
  /** Time of day, or plain numbers (steps). */
  readonly isTime: boolean;
  readonly height: number;
}

const colourOf = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A uPlot that follows the width of its container and the colours of the theme. */
export class Plot {
  readonly element: HTMLElement;
  readonly #options: PlotOptions;
  readonly #frame: HTMLElement;
  readonly #empty: HTMLElement;
  #plot: uPlot | null = null;
  #data: uPlot.AlignedData = [[]];
  #width = 0;

  constructor(options: PlotOptions, emptyText: string) {
    this.#options = options;
    this.#frame = document.createElement("div");
    this.#frame.className = "plot-frame";
    this.#empty = document.createElement("p");
    this.#empty.className = "plot-empty";
    this.#empty.textContent = emptyText;
    this.element = document.createElement("div");
    this.element.className = "plot";
    this.element.style.setProperty("--plot-height", `${options.height}px`);
    this.element.setAttribute("role", "img");
    this.element.append(this.#frame, this.#empty);
    new ResizeObserver(([entry]) => this.#resize(Math.floor(entry?.contentRect.width ?? 0))).observe(this.element);
    document.addEventListener("themechange", () => this.#remake());
  }

  /** @param columns x first, then one per line. @param summary what a screen reader says of it. */
  update(columns: readonly (readonly (number | null)[])[], summary: string): void {
    const [xs = []] = columns;
    const isEmpty = xs.length < 2;
    this.#empty.hidden = !isEmpty;
    this.#frame.hidden = isEmpty;
    this.element.setAttribute("aria-label", `${this.#options.title}. ${summary}`);
    this.#data = columns.map((column) => [...column]) as uPlot.AlignedData;
    if (isEmpty) return;
    if (this.#plot === null) this.#remake();
    else this.#plot.setData(this.#data);
  }

  #resize(width: number): void {
    if (width === this.#width || width === 0) return;
    this.#width = width;
    if (this.#plot === null) this.#remake();
    else this.#plot.setSize({ width, height: this.#options.height });
  }

  #remake(): void {
    this.#plot?.destroy();
    this.#plot = null;
    if (this.#width === 0 || (this.#data[0]?.length ?? 0) < 2) return;
    this.#plot = new uPlot(this.#uplotOptions(), this.#data, this.#frame);
  }

  #uplotOptions(): uPlot.Options {
    const { lines, isTime, height } = this.#options;
    const text = colourOf("--text-soft");
    const grid = { stroke: colourOf("--line-soft"), width: 1 };
    const font = "12px system-ui, sans-serif";
    const axis = { stroke: text, grid, ticks: { show: false }, font, labelFont: font, labelSize: 18, labelGap: 2 };
    return {
      width: this.#width,
      height,
      padding: [8, lines.some(({ isRight }) => isRight) ? 0 : 26, 0, 0],
      cursor: { drag: { x: false, y: false }, points: { size: 6 } },
      legend: { live: true, markers: { width: 0 } },
      scales: { x: xScale(isTime), ...Object.fromEntries(lines.map((line, i) => [`y${i}`, scaleOf(line)])) },
      axes: [
        { ...axis, size: 28, space: 70, ...(isTime && { values: timesOfDay }) },
        ...lines.map((line, i) => ({
          ...axis,
          scale: `y${i}`,
          label: `${line.label} (${line.unit})`,
          stroke: colourOf(line.colour),
          side: line.isRight === true ? (1 as const) : (3 as const),
          size: 38,
          grid: { ...grid, show: i === 0 },
        })),
      ],
      series: [
        { label: isTime ? "Time" : "Step", value: (_, x) => (x === null ? "–" : isTime ? clock(x) : String(x)) },
        ...lines.map((line, i) => ({
          label: line.label,
          scale: `y${i}`,
          stroke: colourOf(line.colour),
          width: 2,
          points: { show: false },
          spanGaps: false,
          value: (_: uPlot, y: number | null) => (y === null ? "–" : `${y.toFixed(line.digits)} ${line.unit}`),
          ...(line.isStepped === true && uPlot.paths.stepped && { paths: uPlot.paths.stepped({ align: 1 }) }),
        })),
      ],
    };
  }
}

function scaleOf({ range }: Line): uPlot.Scale {
  return {
    range: (_, min, max) => {
      const [low, high] = [min ?? 0, max ?? 1];
      const margin = (high - low) * 0.08 || 0.1;
      if (range === null) return [low - margin, high + margin];
      return [low < range[0] ? low - margin : range[0], high > range[1] ? high + margin : range[1]];
    },
  };
}

/** So that the first seconds are not drawn as if they were an hour. */
const MIN_TIME_S = 120;
const MIN_STEPS = 10;

function xScale(isTime: boolean): uPlot.Scale {
  return {
    time: isTime,
    range: (_, min, max) => {
      if (isTime) return [Math.min(min, max - MIN_TIME_S), max];
      return [min, Math.max(max, min + MIN_STEPS)];
    },
  };
}

function clock(seconds: number): string {
  return new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(
    seconds * 1000,
  );
}

function timesOfDay(_: uPlot, splits: number[]): string[] {
  const step = (splits[1] ?? 0) - (splits[0] ?? 0);
  const minutes = { hour: "2-digit", minute: "2-digit" } as const;
  const format = new Intl.DateTimeFormat("en-GB", step < 60 ? { ...minutes, second: "2-digit" } : minutes);
  return splits.map((seconds) => format.format(seconds * 1000));
}
