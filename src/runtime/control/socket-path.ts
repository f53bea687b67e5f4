import { join } from "node:path";

/** Path of the control socket inside the runtime folder; the CLI finds the running service by it. */
export function controlSocketPath(runtimeDir: string): string {
  return join(runtimeDir, "asls.sock");
}
