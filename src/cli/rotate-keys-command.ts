import type { Command } from "commander";
import { JobJournal } from "../adapt/job-journal.ts";
import { makeAdapterStore } from "../composition/adaptation.ts";
import { SystemClock } from "../core/clock.ts";
import { isAppError } from "../core/errors.ts";
import { silentLogger } from "../core/logger.ts";
import type { RotationProgress } from "../profile/key-rotation.ts";
import { type KeysRotated, rotateKeys } from "../runtime/control/rotate-keys.ts";
import { openProfiles } from "../runtime/service/open-profiles.ts";
import { configOf, interruptSignal, print } from "./context.ts";
import { ask, client, type JsonOption } from "./service-client.ts";

/** `asls profile rotate-keys`: new keys for everything, while the service goes on answering. */
export function rotateKeysCommand(): Command {
  return client(
    "rotate-keys",
    "replace the device key and the keys of profiles; everything is sealed anew, and the service goes on answering",
    "  asls profile rotate-keys\n  asls profile rotate-keys p_0123456789abcdef --json",
  )
    .argument("[profile]", "id; default: all of them")
    .action(async (id: string | undefined, options: JsonOption, command: Command) => {
      const show = ({ profileId, rows, files }: RotationProgress) => {
        if (process.stderr.isTTY) process.stderr.write(`\r${profileId}: ${rows} rows, ${files} files sealed anew`);
      };
      const result = await rotate(command, id ?? null, show);
      if (process.stderr.isTTY) process.stderr.write("\n");
      print(options.json, result, () => describe(result));
    });
}

async function rotate(
  command: Command,
  profile: string | null,
  onProgress: (progress: RotationProgress) => void,
): Promise<KeysRotated> {
  try {
    const onEvent = (_event: string, data: unknown) => onProgress(data as RotationProgress);
    return (await ask(command, "keysRotate", { profile }, onEvent)) as KeysRotated;
  } catch (error) {
    if (!isAppError(error, "E_SERVICE_NOT_RUNNING")) throw error;
  }
  const { config } = await configOf(command);
  const clock = new SystemClock();
  const log = silentLogger;
  await using profiles = await openProfiles(config, { clock, logger: log, env: process.env });
  const store = makeAdapterStore(config, { profiles, clock, log });
  const journal = new JobJournal(store.folder, profiles.files);
  const keeper = { reseal: async (id: string) => (await store.reseal(id)) + (await journal.reseal(id)) };
  return await rotateKeys(profiles, keeper, profile, onProgress, interruptSignal());
}

function describe({ device, profiles }: KeysRotated): string {
  const lines = profiles.map(
    ({ profileId, rows, files }) => `${profileId}: ${rows} rows and ${files} files sealed anew`,
  );
  lines.push(
    device === null
      ? "device key: kept (a credential is replaced by its owner: docs/privacy.md#new-keys)"
      : `device key: replaced (${device})`,
  );
  return lines.join("\n");
}
