import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { DemoService } from "../../src/cli/demo/demo-service.ts";
import type { SeenEvent } from "../../src/cli/demo/watched-service.ts";
import { SystemClock } from "../../src/core/clock.ts";
import { controlSocketPath } from "../../src/runtime/control/socket-path.ts";
import { makeTempDir, type TempDir } from "./temp-dir.ts";

const run = promisify(execFile);
const CLI = "dist/cli.js";
/** How long a test waits for something that must come, ms. */
const SOON_MS = 30_000;
/** Longer than `buttons.holdMs`. */
const HOLD_MS = 1_700;

export interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one `asls` command to its end. */
export async function asls(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Ended> {
  try {
    const { stdout, stderr } = await run(process.execPath, [CLI, ...args], { env, maxBuffer: 2 ** 24 });
    return { exitCode: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { exitCode: code, stdout, stderr };
  }
}

/** The built service on the virtual board, in a folder of its own. */
export class VirtualDevice implements AsyncDisposable {
  readonly folder: TempDir;
  readonly service: DemoService;
  /** `--board` and `--set` of this device, for further commands. */
  readonly options: readonly string[];

  private constructor(folder: TempDir, service: DemoService, options: readonly string[]) {
    this.folder = folder;
    this.service = service;
    this.options = options;
  }

  /** @param settings further `key=value`. */
  static async start(settings: readonly string[] = [], given?: TempDir): Promise<VirtualDevice> {
    const folder = given ?? (await makeTempDir("device"));
    const options = deviceOptions(folder, settings);
    const socket = controlSocketPath(folder.join("run"));
    const service = await DemoService.start(CLI, options, socket, folder.join("log"), new SystemClock(), () => {});
    return new VirtualDevice(folder, service, options);
  }

  /** The first event of that kind from `position` on that fits. */
  next(
    position: number,
    event: string,
    fits: (data: Record<string, unknown>) => boolean = () => true,
  ): Promise<SeenEvent> {
    return this.service.next(position, event, SOON_MS, (seen) => seen.event === event && fits(seen.data));
  }

  /** A profile that allows it, granted with the talk button held. */
  async allow(...purposes: readonly ("store" | "train")[]): Promise<void> {
    for (const purpose of purposes) {
      const granting = this.service.call("consent", { purpose, granted: true });
      granting.catch(() => {}); // awaited below; a press that fails must not leave it unhandled
      await this.service.call("press", { button: "talk", holdMs: HOLD_MS });
      await granting;
    }
  }

  /** One typed turn. @returns how it ended. */
  async say(text: string): Promise<string> {
    const { outcome } = (await this.service.call("say", { text, aloud: false })) as { outcome: string };
    return outcome;
  }

  /** Codes of the alerts that stand. */
  async alerts(): Promise<readonly string[]> {
    const { alerts } = (await this.service.call("status", {})) as { alerts: readonly { code: string }[] };
    return alerts.map(({ code }) => code);
  }

  /** Everything the present person said that is kept, oldest first. */
  async kept(): Promise<readonly string[]> {
    const { interactions } = (await this.service.call("profileExport", { profile: null })) as {
      interactions: readonly { input: string }[];
    };
    return interactions.map(({ input }) => input);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service[Symbol.asyncDispose]();
    await this.folder.dispose();
  }
}

export function deviceOptions(folder: TempDir, settings: readonly string[] = []): string[] {
  const all = [`paths.stateDir=${folder.join("state")}`, `paths.runtimeDir=${folder.join("run")}`, ...settings];
  const board = all.some((setting) => setting.startsWith("board.profile=")) ? [] : ["--board", "virtual"];
  return [...board, ...all.flatMap((setting) => ["--set", setting])];
}
