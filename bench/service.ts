import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DemoService } from "../src/cli/demo/demo-service.ts";
import { packageRoot } from "../src/core/built-file.ts";
import { SystemClock } from "../src/core/clock.ts";
import { controlSocketPath } from "../src/runtime/control/socket-path.ts";

/**
 * The built service on the virtual board in a folder of its own, for the time of `measure`.
 * @param parent where that folder is made; default the system's temporary folder.
 */
export async function withService<T>(
  settings: readonly string[],
  measure: (service: DemoService, folder: string) => Promise<T>,
  parent: string = tmpdir(),
): Promise<T> {
  const folder = await mkdtemp(join(parent, "asls-bench-"));
  try {
    const all = [`paths.stateDir=${folder}/state`, `paths.runtimeDir=${folder}/run`, "log.level=warn", ...settings];
    const args = ["--board", "virtual", ...all.flatMap((setting) => ["--set", setting])];
    const socket = controlSocketPath(`${folder}/run`);
    const cli = `${packageRoot}dist/cli.js`;
    await using service = await DemoService.start(cli, args, socket, `${folder}/log`, new SystemClock(), () => {});
    const result = await measure(service, folder);
    await service.stop();
    return result;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
