import { readFile } from "node:fs/promises";
import { Command } from "commander";
import { writeFileAtomic } from "../core/atomic-file.ts";
import { AppError } from "../core/errors.ts";
import { plotSvg } from "../runtime/governor/plot-svg.ts";
import { GOVERNOR_MODES, limitsOf } from "../runtime/governor/policy.ts";
import {
  replayTrace,
  type Simulation,
  type SimulationSettings,
  simulateDay,
  summarise,
} from "../runtime/governor/simulate.ts";
import { FANLESS_BOARD } from "../runtime/governor/simulated-day.ts";
import { parseTrace, TRACE_COLUMNS } from "../runtime/governor/trace.ts";
import { configOf, print, withCommonOptions } from "./context.ts";
import { describeStatus } from "./describe.ts";
import { ask, client, type JsonOption } from "./service-client.ts";

/** Boards of the plots have four cores, whatever machine draws them. */
const SIMULATED_CORES = 4;

/** `asls governor`: how much training may take, now and in simulation. */
export function governorCommand(): Command {
  return new Command("governor")
    .description("how much of the board training may take, and why")
    .addCommand(statusCommand())
    .addCommand(modeCommand())
    .addCommand(budgetCommand())
    .addCommand(simulateCommand());
}

function statusCommand(): Command {
  return client("status", "readings, failed probes, budget and its reason", "  asls governor status --json").action(
    async (options: JsonOption, command: Command) => {
      const status = await ask(command, "governorStatus", {});
      print(options.json, status, () => describeStatus(status));
    },
  );
}

function modeCommand(): Command {
  return client("mode", "choose how much training may take; kept over restarts", "  asls governor mode quiet")
    .argument("<mode>", GOVERNOR_MODES.join(", "))
    .action(async (name: string, options: JsonOption, command: Command) => {
      const mode = GOVERNOR_MODES.find((known) => known === name);
      if (mode === undefined) throw new AppError("E_USAGE", `the mode is one of ${GOVERNOR_MODES.join(", ")}`);
      await ask(command, "governorMode", { mode });
      print(options.json, { mode }, () => `mode: ${mode}`);
    });
}

function budgetCommand(): Command {
  return client(
    "budget",
    "energy that training may take a day; kept over restarts",
    "  asls governor budget 12\n  asls governor budget none",
  )
    .argument("<watt-hours>", "a number, or none for no limit")
    .action(async (given: string, options: JsonOption, command: Command) => {
      const dailyWh = given === "none" ? null : Number(given);
      if (dailyWh !== null && !(given.trim() !== "" && dailyWh >= 0 && dailyWh <= 10_000)) {
        throw new AppError("E_USAGE", "the allowance is 0 to 10000 watt-hours, or none");
      }
      await ask(command, "governorBudget", { dailyWh });
      print(options.json, { daily_wh: dailyWh }, () => (dailyWh === null ? "no limit" : `${dailyWh} Wh a day`));
    });
}

interface SimulateOptions extends JsonOption {
  readonly trace?: string;
  readonly day?: boolean;
  readonly out?: string;
  readonly step: string;
}

function simulateCommand(): Command {
  return withCommonOptions(new Command("simulate"))
    .description("run the governor's policy on recorded readings or an invented day, and plot it")
    .option("--trace <file.csv>", `readings to replay; columns: ${TRACE_COLUMNS.join(", ")}`)
    .option("--day", "an invented day of a fanless board, in closed loop")
    .option("--out <file.svg>", "where to write the plot")
    .option("--step <seconds>", "simulated time between two decisions", "1")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nExamples:\n  asls governor simulate --day --out day.svg\n" +
        "  asls governor simulate --trace monday.csv --set governor.stopC=70 --out monday.svg",
    )
    .action(async (options: SimulateOptions, command: Command) => {
      const { config } = await configOf(command);
      const { mode, dailyWh, wattsPerThread, ...limits } = config.governor;
      const stepS = Number(options.step);
      if (!(stepS >= 0.1 && stepS <= 600)) throw new AppError("E_USAGE", "the step is 0.1 to 600 seconds");
      const policy = { ...limits, cores: SIMULATED_CORES };
      const simulation = await simulated(options, { policy, mode, dailyWh, wattsPerThread, stepS });
      if (options.out !== undefined) {
        const title =
          options.day === true ? `One day of a ${FANLESS_BOARD.name}, mode ${mode}` : `Replay, mode ${mode}`;
        await writeFileAtomic(options.out, plotSvg(title, simulation.points, limitsOf(policy, mode)), 0o644);
      }
      const summary = summarise(simulation);
      print(options.json, summary, () => describeStatus(summary));
    });
}

async function simulated({ trace, day }: SimulateOptions, settings: SimulationSettings): Promise<Simulation> {
  if ((trace === undefined) === (day !== true)) throw new AppError("E_USAGE", "give --trace file.csv or --day");
  if (trace === undefined) return simulateDay(FANLESS_BOARD, settings);
  let text: string;
  try {
    text = await readFile(trace, "utf8");
  } catch (error) {
    throw new AppError("E_FILE_UNREADABLE", `cannot read ${trace}`, { cause: error });
  }
  return replayTrace(parseTrace(text), settings);
}
