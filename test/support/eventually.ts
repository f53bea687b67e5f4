/** Resolves as soon as `holds()` is true; what happens in between is left to the event loop. The test's timeout bounds it. */
export async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
}
