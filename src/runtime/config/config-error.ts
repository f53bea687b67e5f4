import { AppError } from "../../core/errors.ts";

/** One thing that is wrong. */
export interface ConfigProblem {
  /** Where the user finds it: `/etc/asls/asls.yaml:12`, `environment ASLS_VAD_THRESHOLD`, `--set vad.threshold`. */
  readonly where: string;
  /** Dotted path, or null when the file as a whole is at fault. */
  readonly key: string | null;
  /** What is wrong and what is accepted; never the value of a sensitive key. */
  readonly message: string;
}

/** E_CONFIG_INVALID with every problem, not only the first. Exit code 78 (EX_CONFIG of sysexits.h). */
export class ConfigError extends AppError {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map((problem) => `  ${formatProblem(problem)}`);
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super("E_CONFIG_INVALID", `${count} in the configuration:\n${lines.join("\n")}`, {
      details: { problems: problems.length },
    });
    this.problems = problems;
  }
}

/** One line: where, key, message. */
function formatProblem({ where, key, message }: ConfigProblem): string {
  return key === null ? `${where}: ${message}` : `${where}: ${key} ${message}`;
}
