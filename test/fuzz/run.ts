import { parseArgs } from "node:util";
import { fuzz } from "./fuzz.ts";

const HELP = `Usage: npm run -s fuzz -- [--inputs N] [--seed S] [--reader NAME]... [--json]

Feeds random bytes and damaged good inputs to everything that reads what others made: sockets, MQTT, model and adapter
files, configuration, recordings, and what people say. Each must be read or refused with a coded error.

  --inputs N      in all (default 1000000)
  --seed S        random inputs follow from it (default: the time; printed)
  --reader NAME   only these; the names are printed as they run
  --json          one JSON object as the last line of stdout, lines for people on stderr

The native trainer's readers are fuzzed by deploy/fuzz-trainer.sh. Exit code 0: nothing found; 1: a finding; 2: usage.`;

const { values } = parseArgs({
  options: {
    inputs: { type: "string", default: "1000000" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    reader: { type: "string", multiple: true },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const [inputs, seed] = [Number(values.inputs), Number(values.seed)];
if (values.help || !(inputs >= 1) || !Number.isInteger(seed)) {
  console.log(HELP);
  process.exitCode = values.help ? 0 : 2;
} else {
  const log = values.json ? console.error : console.log;
  const report = await fuzz({ inputs, seed, only: values.reader, log });
  log(`fuzz: ${report.inputs} inputs, ${report.crashes} readers with a finding, seed ${seed}`);
  if (values.json) console.log(JSON.stringify(report));
  process.exitCode = report.crashes === 0 ? 0 : 1;
}
