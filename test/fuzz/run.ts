import { runLongTest } from "../support/long-test.ts";
import { fuzz } from "./fuzz.ts";
import { readers } from "./readers.ts";

const HELP = `Usage: npm run -s fuzz -- [--inputs N] [--seed S] [--reader NAME]... [--json]

Feeds random bytes and damaged good inputs to everything that reads what others made: sockets, MQTT, model and adapter
files, configuration, recordings, and what people say. Each must be read or refused with a coded error.

  --inputs N      in all (default 1000000)
  --seed S        random inputs follow from it (default: the time; printed)
  --reader NAME   only these; the names are printed as they run
  --json          one JSON object as the last line of stdout, lines for people on stderr

The native trainer's readers are fuzzed by deploy/fuzz-trainer.sh. Exit code 0: nothing found; 1: a finding; 2: usage.`;

await runLongTest({
  name: "fuzz",
  help: HELP,
  amount: { option: "inputs", fallback: 1_000_000, isValid: (inputs) => inputs >= 1 },
  seed: Date.now() % 2 ** 31,
  only: { option: "reader", isKnown: (name) => readers().some((reader) => reader.name === name) },
  run: async ({ amount: inputs, seed, only, log }) => {
    const report = await fuzz({ inputs, seed, only, log });
    const line = `${report.inputs} inputs, ${report.crashes} readers with a finding`;
    return { report, line, isHeld: report.crashes === 0 };
  },
});
