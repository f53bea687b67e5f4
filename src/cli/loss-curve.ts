/** Eight steps of height within one character cell. */
const BLOCKS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;

/** The losses of a training, drawn with block characters. */
export class LossCurve {
  #losses: number[] = [];

  get hasPoints(): boolean {
    return this.#losses.length > 1;
  }

  add(loss: number): void {
    this.#losses.push(loss);
  }

  clear(): void {
    this.#losses = [];
  }

  /**
   * Lines of a plot, the greatest mean at the top with its value, the least at the bottom.
   * @param columns most columns of the plot; @param rows its height, both without the axis.
   */
  text(columns: number, rows: number): string {
    const means = binned(this.#losses, columns);
    const low = Math.min(...means);
    const high = Math.max(...means);
    const span = high - low || 1;
    // Every column shows at least the lowest block, so that the curve is never broken.
    const heights = means.map((mean) => 1 + Math.round(((mean - low) / span) * (rows * BLOCKS.length - 1)));
    const lines: string[] = [];
    for (let row = rows - 1; row >= 0; row -= 1) {
      const label = row === rows - 1 ? high.toFixed(2) : row === 0 ? low.toFixed(2) : "";
      const cells = heights.map((height) => {
        const filled = Math.min(BLOCKS.length, height - row * BLOCKS.length);
        return filled <= 0 ? " " : (BLOCKS[filled - 1] ?? " ");
      });
      lines.push(`${label.padStart(7)} │${cells.join("")}`);
    }
    lines.push(`        └${"─".repeat(heights.length)} ${this.#losses.length} steps, loss in nats`);
    return lines.join("\n");
  }
}

/** Means of at most `columns` stretches of about the same length. */
function binned(values: readonly number[], columns: number): number[] {
  const count = Math.min(columns, values.length);
  return Array.from({ length: count }, (_, i) => {
    const part = values.slice(
      Math.floor((i * values.length) / count),
      Math.max(Math.floor((i * values.length) / count) + 1, Math.floor(((i + 1) * values.length) / count)),
    );
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}
