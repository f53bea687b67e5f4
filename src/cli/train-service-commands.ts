import { Command } from "commander";
import type { AdaptationStatus } from "../adapt/adaptation-ports.ts";
import type { TrainerEvent } from "../adapt/ports.ts";
import { callService } from "../runtime/control/control-client.ts";
import { controlSocketPath } from "../runtime/control/socket-path.ts";
import { configOf, interruptSignal, print, withCommonOptions } from "./context.ts";
import { describeTraining } from "./describe-training.ts";
import { LossCurve } from "./loss-curve.ts";
import { ask, type JsonOption } from "./service-client.ts";
import { TrainProgressLine } from "./train-progress.ts";

function leaf(name: string, description: string): Command {
  return withCommonOptions(new Command(name).description(description)).option("--json", "print one JSON object");
}

/** `asls train now`: a full job of the active profile, watched to its end unless `--detach`. */
export function trainNowCommand(): Command {
  return leaf("now", "let the service train the active profile's adapter now, and show how it goes")
    .option("--detach", "do not wait for it")
    .addHelpText("after", '\nExample:\n  asls train now && asls adapter diff "turn on the lights"\n')
    .action(async (options: JsonOption & { detach?: boolean }, command: Command) => {
      if (options.detach === true) {
        const queued = await ask(command, "trainNow", {});
        print(options.json, queued, () => "queued: see `asls train watch`");
        return;
      }
      // Watching first, so that nothing of a quick job is missed.
      const watching = watchTraining(command, options, true, () => ask(command, "trainNow", {}));
      const status = (await watching) as AdaptationStatus;
      print(options.json, status, () => describeTraining(status));
    });
}

export function trainStatusCommand(): Command {
  return leaf("status", "what training is doing, what it came to, and what stands in its way").action(
    async (options: JsonOption, command: Command) => {
      const status = (await ask(command, "trainStatus", {})) as AdaptationStatus;
      print(options.json, status, () => describeTraining(status));
    },
  );
}

export function trainWatchCommand(): Command {
  return leaf("watch", "show the service's training with its loss curve, until Ctrl-C").action(
    async (options: JsonOption, command: Command) => {
      await watchTraining(command, options, false, async () => {});
    },
  );
}

export function trainCancelCommand(): Command {
  return leaf("cancel", "end the running training; the adapter in use stays").action(
    async (options: JsonOption, command: Command) => {
      const result = (await ask(command, "trainCancel", {})) as { cancelled: boolean };
      print(options.json, result, () => (result.cancelled ? "cancelled" : "no training was running"));
    },
  );
}

export function trainPauseCommand(): Command {
  return leaf("pause", "training stands still until `asls train resume`, over restarts, too").action(
    async (options: JsonOption, command: Command) => {
      print(options.json, await ask(command, "trainPause", { paused: true }), () => "training is paused");
    },
  );
}

export function trainResumeCommand(): Command {
  return leaf("resume", "end a pause; a job that was paused goes on").action(
    async (options: JsonOption, command: Command) => {
      print(options.json, await ask(command, "trainPause", { paused: false }), () => "training goes on when it may");
    },
  );
}

async function watchTraining(
  command: Command,
  { json }: JsonOption,
  untilDone: boolean,
  onWatching: () => Promise<unknown>,
): Promise<unknown> {
  const progress = new TrainProgressLine((text) => process.stderr.write(text), process.stderr.isTTY === true);
  const curve = new LossCurve();
  let refused: unknown = null;
  const controller = new AbortController();
  const interrupted = interruptSignal();
  const { config } = await configOf(command);
  const show = (event: string, data: unknown) => {
    if (event === "watching") {
      onWatching().catch((error: unknown) => {
        refused = error;
        controller.abort();
      });
      return;
    }
    if (json === true) process.stderr.write(`${JSON.stringify({ event, data })}\n`);
    else showEvent(event, data, progress, curve);
  };
  try {
    return await callService(
      controlSocketPath(config.paths.runtimeDir),
      "trainWatch",
      { untilDone },
      {
        onEvent: show,
        signal: AbortSignal.any([controller.signal, interrupted]),
      },
    );
  } catch (error) {
    throw refused ?? error;
  } finally {
    progress.end();
  }
}

function showEvent(event: string, data: unknown, progress: TrainProgressLine, curve: LossCurve): void {
  if (event === "job") {
    const { kind, state } = data as { kind: string; state: string };
    progress.note(`${kind} job: ${state}`);
    if (state === "preparing") curve.clear();
    if (state === "evaluating" && curve.hasPoints) progress.note(curve.text(60, 8));
  }
  if (event === "adapter") {
    const { version } = data as { version: string | null };
    progress.note(version === null ? "no adapter is in use" : `adapter in use: ${version}`);
  }
  if (event === "trainer") {
    const trainer = data as TrainerEvent;
    if (trainer.kind === "restarted") progress.note(`the trainer failed (${trainer.code}) and was started again`);
    if (trainer.kind !== "progress") return;
    if (trainer.progress.loss !== null) curve.add(trainer.progress.loss);
    progress.show(trainer.progress.loss === null ? "measure" : "train", trainer.progress);
  }
}
