import { type ParseArgsConfig, parseArgs } from "node:util";

/** What a long test is asked for. */
export interface LongTestRequest {
  /** The value of its one number. */
  readonly amount: number;
  readonly seed: number;
  /** Names that were given; undefined = all. */
  readonly only: readonly string[] | undefined;
  /** A line for people. */
  readonly log: (line: string) => void;
}

export interface LongTestOutcome {
  /** One JSON object; `wall_s` is added to it. */
  readonly report: object;
  /** The same in one line for people. */
  readonly line: string;
  /** Everything that was promised held. */
  readonly isHeld: boolean;
}

/** A test that runs for minutes, by a command of its own. */
export interface LongTest {
  readonly name: string;
  readonly help: string;
  /** Option with the number of whatever it does. */
  readonly amount: { readonly option: string; readonly fallback: number; readonly isValid: (value: number) => boolean };
  /** Default seed. */
  readonly seed: number;
  /** Option that chooses some of its parts, may be repeated; `isKnown` refuses a name. */
  readonly only?: { readonly option: string; readonly isKnown: (name: string) => boolean };
  run(request: LongTestRequest): Promise<LongTestOutcome>;
}

/**
 * Its command line. `--json` puts one JSON object on stdout and the lines for people on stderr. Sets the exit code: 0
 * everything held, 1 something did not or it failed, 2 usage.
 */
export async function runLongTest(test: LongTest): Promise<void> {
  try {
    process.exitCode = await exitCodeOf(test);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

async function exitCodeOf(test: LongTest): Promise<number> {
  const { amount, only } = test;
  const options: NonNullable<ParseArgsConfig["options"]> = {
    [amount.option]: { type: "string", default: String(amount.fallback) },
    seed: { type: "string", default: String(test.seed) },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  };
  if (only !== undefined) options[only.option] = { type: "string", multiple: true };
  const { values } = parseArgs({ options });
  if (values.help === true) {
    process.stdout.write(`${test.help}\n`);
    return 0;
  }
  const [count, seed] = [Number(values[amount.option]), Number(values.seed)];
  const given = only === undefined ? undefined : values[only.option];
  const names = Array.isArray(given) ? given.map(String) : undefined;
  if (!amount.isValid(count) || !Number.isInteger(seed) || names?.every((name) => only?.isKnown(name)) === false) {
    process.stderr.write(`${test.help}\n`);
    return 2;
  }
  const people = values.json === true ? process.stderr : process.stdout;
  const log = (line: string) => people.write(`${line}\n`);
  log(`${test.name}: ${amount.option} ${count}, seed ${seed}`);
  const began = performance.now();
  const { report, line, isHeld } = await test.run({ amount: count, seed, only: names, log });
  const wall_s = Math.round((performance.now() - began) / 1_000);
  log(`${test.name}: ${line}; ${wall_s} s, seed ${seed}`);
  if (values.json === true) process.stdout.write(`${JSON.stringify({ ...report, wall_s })}\n`);
  return isHeld ? 0 : 1;
}
