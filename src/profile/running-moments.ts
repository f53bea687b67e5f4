/** Count, mean and sum of squared deviations of a stream of numbers; plain data, so that it can be stored. */
export interface Moments {
  readonly count: number;
  readonly mean: number;
  readonly squares: number;
}

export const NO_MOMENTS: Moments = { count: 0, mean: 0, squares: 0 };

/** Adds one value (Welford's update, Technometrics 4(3), 1962): stable where a sum of squares would cancel. */
export function addValue({ count, mean, squares }: Moments, value: number): Moments {
  const delta = value - mean;
  const next = mean + delta / (count + 1);
  return { count: count + 1, mean: next, squares: squares + delta * (value - next) };
}

/** Sample variance (n - 1); 0 below two values. */
export function varianceOf({ count, squares }: Moments): number {
  return count < 2 ? 0 : squares / (count - 1);
}
