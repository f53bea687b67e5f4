/** One writer in the plot. */
export interface PlotPoint {
  /** Words to learn from. */
  readonly words: number;
  /** Relative drop of the perplexity per word. */
  readonly drop: number;
}

/** Points of one arm. */
export interface PlotSeries {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly PlotPoint[];
}

const [WIDTH, HEIGHT] = [720, 380];
const MARGIN = { left: 62, right: 16, top: 34, bottom: 48 };

/** Drop against the amount of data (logarithmic), as SVG of its own: no script, no font to load. */
export function dropPlot(series: readonly PlotSeries[], goal: number): string {
  const points = series.flatMap((each) => each.points);
  const words = points.map((point) => point.words);
  const drops = [...points.map(({ drop }) => drop), 0, goal];
  const [x0, x1] = [Math.log(Math.min(...words) * 0.9), Math.log(Math.max(...words) * 1.1)];
  const [y0, y1] = [Math.floor(Math.min(...drops) * 10) / 10, Math.ceil(Math.max(...drops) * 10) / 10];
  const x = (value: number) =>
    MARGIN.left + ((Math.log(value) - x0) / (x1 - x0)) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (value: number) =>
    HEIGHT - MARGIN.bottom - ((value - y0) / (y1 - y0)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const fixed = (value: number) => value.toFixed(1);
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
  ];
  for (let tick = Math.round(y0 * 10); tick <= Math.round(y1 * 10); tick += 1) {
    const at = fixed(y(tick / 10));
    lines.push(
      `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${at}" y2="${at}" stroke="${tick === 0 ? "#444" : "#ddd"}"/>`,
      `<text x="${MARGIN.left - 8}" y="${at}" dy="4" text-anchor="end">${tick * 10} %</text>`,
    );
  }
  for (const tick of [1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000]) {
    if (Math.log(tick) < x0 || Math.log(tick) > x1) continue;
    lines.push(
      `<text x="${fixed(x(tick))}" y="${HEIGHT - MARGIN.bottom + 18}" text-anchor="middle">${tick.toLocaleString("en")}</text>`,
    );
  }
  const at = fixed(y(goal));
  lines.push(
    `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${at}" y2="${at}" stroke="#888" stroke-dasharray="5 4"/>`,
    `<text x="${(WIDTH + MARGIN.left) / 2}" y="${HEIGHT - 8}" text-anchor="middle">words the writer had said before</text>`,
    `<text x="14" y="20">drop of perplexity per word on later words; dashed: goal</text>`,
  );
  for (const [i, { name, colour, points: own }] of series.entries()) {
    const legendX = WIDTH - MARGIN.right - 150;
    lines.push(
      `<circle cx="${legendX}" cy="${16 + 16 * i}" r="5" fill="${colour}"/>`,
      `<text x="${legendX + 10}" y="${20 + 16 * i}">${name}</text>`,
    );
    for (const { words: seen, drop } of own) {
      lines.push(`<circle cx="${fixed(x(seen))}" cy="${fixed(y(drop))}" r="5" fill="${colour}" fill-opacity="0.75"/>`);
    }
  }
  return `${lines.join("\n")}\n</svg>\n`;
}
