import { Command } from "commander";
import type { AdapterManifest } from "../adapt/adapter-manifest.ts";
import { adapterMetaCommand } from "./adapter-meta-command.ts";
import { print, withCommonOptions } from "./context.ts";
import { describeAdapter } from "./describe-training.ts";
import { ask, type JsonOption } from "./service-client.ts";

interface ListedAdapter {
  readonly version: string;
  readonly state: string;
  readonly kind: string;
  /** Of a task adapter. */
  readonly domain: string | null;
  readonly createdAtMs: number;
  readonly trainedOn: number;
  readonly heldOutBefore: number;
  readonly heldOutAfter: number;
  readonly generalRise: number;
  readonly reasons: readonly string[];
  readonly hasFile: boolean;
}

interface AdapterDiff {
  readonly version: string;
  readonly prompts: readonly { readonly prompt: string; readonly without: string; readonly with: string }[];
}

function leaf(name: string, description: string): Command {
  return withCommonOptions(new Command(name).description(description)).option("--json", "print one JSON object");
}

/** `asls adapter ...`: what was learned into the model's weights, version by version. */
export function adapterCommand(): Command {
  const adapter = new Command("adapter")
    .description("versions of what the assistant has learned: look at them, change between them, compare answers")
    .addHelpText(
      "after",
      '\nExamples:\n  asls adapter list\n  asls adapter diff "turn on the lights" "good night"\n  asls adapter rollback',
    );
  adapter.addCommand(
    leaf("list", "all versions of a profile, oldest first")
      .argument("[profile]", "id; default: the active one")
      .action(async (profile: string | undefined, options: JsonOption, command: Command) => {
        const listed = (await ask(command, "adapterList", { profile: profile ?? null })) as ListedAdapter[];
        print(options.json, listed, () => listed.map(line).join("\n") || "no adapter yet: see `asls train status`");
      }),
  );
  adapter.addCommand(
    leaf("show", "where a version comes from, and its numbers")
      .argument("<version>")
      .action(async (version: string, options: JsonOption, command: Command) => {
        const shown = await ask(command, "adapterShow", { profile: null, version });
        print(options.json, shown, () =>
          describeAdapter(shown as AdapterManifest & { readonly state: string; readonly hasFile: boolean }),
        );
      }),
  );
  adapter.addCommand(
    leaf("activate", "answer with this version from the next answer on")
      .argument("<version>")
      .action(async (version: string, options: JsonOption, command: Command) => {
        const result = await ask(command, "adapterActivate", { version });
        print(options.json, result, () => `in use: ${version}`);
      }),
  );
  adapter.addCommand(
    leaf("rollback", "back to the version before, or to none").action(async (options: JsonOption, command: Command) => {
      const result = (await ask(command, "adapterRollback", {})) as { active: string | null };
      print(options.json, result, () => `in use: ${result.active ?? "none"}`);
    }),
  );
  adapter.addCommand(
    leaf("diff", "the same prompts answered without and with the adapter in use, side by side")
      .argument("<prompts...>")
      .action(async (prompts: string[], options: JsonOption, command: Command) => {
        const result = (await ask(command, "adapterDiff", { prompts })) as AdapterDiff;
        print(options.json, result, () => sideBySide(result, process.stdout.columns ?? 100));
      }),
  );
  adapter.addCommand(adapterMetaCommand());
  return adapter;
}

function line(each: ListedAdapter): string {
  const mark = each.state === "active" ? "*" : " ";
  const day = new Date(each.createdAtMs).toISOString().slice(0, 16);
  const rise = `${each.generalRise < 0 ? "" : "+"}${(100 * each.generalRise).toFixed(1)} %`;
  const refused = each.reasons.length === 0 ? "" : `  refused: ${each.reasons.join(", ")}`;
  return (
    `${mark} ${each.version}  ${each.state.padEnd(9)} ${kindOf(each).padEnd(7)} ${day}  ${String(each.trainedOn).padStart(5)} interactions  ` +
    `held-out ${each.heldOutBefore.toFixed(3)} -> ${each.heldOutAfter.toFixed(3)}  general ${rise}${refused}`
  );
}

function kindOf({ kind, domain }: ListedAdapter): string {
  return domain === null ? kind : `${kind} ${domain}`;
}

/** Two columns below each prompt. @param columns width of the terminal. */
export function sideBySide({ version, prompts }: AdapterDiff, columns: number): string {
  const width = Math.max(20, Math.floor((columns - 3) / 2));
  const row = (left: string, right: string) => `${left.padEnd(width)} | ${right}`.trimEnd();
  const lines = [row("without", `with ${version}`), "-".repeat(2 * width + 3)];
  for (const { prompt, without, with: adapted } of prompts) {
    lines.push(`> ${prompt}`);
    const left = wrapped(without.trim(), width);
    const right = wrapped(adapted.trim(), width);
    for (let i = 0; i < Math.max(left.length, right.length); i += 1) lines.push(row(left[i] ?? "", right[i] ?? ""));
    lines.push("");
  }
  return lines.join("\n").trimEnd();
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
