import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { SystemClock } from "../core/clock.ts";
import { AppError, isAppError } from "../core/errors.ts";
import { silentLogger } from "../core/logger.ts";
import { type AskedPurpose, CONSENT_WORDING, type PurposeWording } from "../profile/consent-wording.ts";
import { CONSENT_PURPOSES, type ConsentEntry, type ConsentPurpose } from "../profile/ports.ts";
import type { ConsentState } from "../runtime/service/consent-bindings.ts";
import { openProfiles } from "../runtime/service/open-profiles.ts";
import { configOf, print } from "./context.ts";
import { describeConsent } from "./describe.ts";
import { ask, client, type JsonOption } from "./service-client.ts";

const HOLD = "Hold the device's talk button within 60 s to confirm ...\n";

/** `asls consent`: what is kept, where and what for; and to decide about it. */
export function consentCommand(): Command {
  return client(
    "consent",
    "say what may be done with your words; what you allow is confirmed at the device by holding the talk button",
    "  asls consent                    # explains, then asks\n  asls consent show --json\n" +
      "  asls consent grant store\n  asls consent withdraw train",
  )
    .argument("[action]", "ask, show, grant or withdraw; default: ask on a terminal, otherwise show")
    .argument("[purpose]", CONSENT_PURPOSES.join(", "))
    .action(async (action: string | undefined, purpose: string | undefined, options: JsonOption, command: Command) => {
      const chosen = action ?? (process.stdin.isTTY && options.json !== true ? "ask" : "show");
      if (chosen === "show") return show(command, options);
      if (chosen === "ask") return askEverything(command, options);
      const known = CONSENT_PURPOSES.find((each) => each === purpose);
      if (known === undefined || (chosen !== "grant" && chosen !== "withdraw")) {
        throw new AppError("E_USAGE", `say \`asls consent grant|withdraw ${CONSENT_PURPOSES.join("|")}\``);
      }
      if (chosen === "grant") process.stderr.write(HOLD);
      const result = chosen === "grant" ? await grant(command, known) : await withdraw(command, known);
      print(options.json, result, () => describeConsent(result));
    });
}

async function show(command: Command, options: JsonOption): Promise<void> {
  const state = (await ask(command, "consentShow", {})) as ConsentState;
  print(options.json, state, () => describeState(state));
}

async function grant(command: Command, purpose: ConsentPurpose): Promise<Record<string, unknown>> {
  const result = await ask(command, "consent", { purpose, granted: true });
  return { purpose, granted: true, ...(result ?? {}) };
}

/** Works without the service as well: a withdrawal must not wait for anything. */
async function withdraw(command: Command, purpose: ConsentPurpose): Promise<Record<string, unknown>> {
  try {
    return { ...((await ask(command, "consent", { purpose, granted: false })) as object) };
  } catch (error) {
    if (!isAppError(error, "E_SERVICE_NOT_RUNNING")) throw error;
  }
  const { config } = await configOf(command);
  const clock = new SystemClock();
  await using profiles = await openProfiles(config, { clock, logger: silentLogger, env: process.env });
  const { id } = await profiles.store.active();
  await profiles.store.setConsent(id, purpose, false, "cli");
  return { purpose, granted: false };
}

/** The first-run dialogue on a terminal. */
async function askEverything(command: Command, options: JsonOption): Promise<void> {
  if (!process.stdin.isTTY) throw new AppError("E_USAGE", "there is no terminal to ask on");
  const state = (await ask(command, "consentShow", {})) as ConsentState;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answers = { store: false, train: false };
  try {
    process.stderr.write(`${describeState(state)}\n`);
    for (const purpose of Object.keys(CONSENT_WORDING.questions) as AskedPurpose[]) {
      if (purpose === "train" && !answers.store) continue;
      process.stderr.write(`\n${describeWording(state.wording.purposes[purpose])}\n`);
      const reply = await terminal.question(`Allow "${purpose}"? [y/N] `);
      answers[purpose] = /^y(es)?$/i.test(reply.trim());
    }
  } finally {
    terminal.close();
  }
  if (answers.store) process.stderr.write(HOLD);
  const done = (await ask(command, "consentDecide", answers)) as Record<string, unknown>[];
  print(options.json, done, () => done.map(describeConsent).join("\n") || "nothing changed");
}

function describeState({ profile, standing, history, wording }: ConsentState): string {
  const lines = [`profile ${profile}; words of version ${wording.version}`];
  for (const purpose of CONSENT_PURPOSES) {
    const last = history.findLast((entry) => entry.purpose === purpose);
    lines.push(
      `  ${purpose.padEnd(10)} ${(standing[purpose] ? "allowed" : "no").padEnd(8)} ${last ? how(last) : ""}`.trimEnd(),
    );
  }
  return lines.join("\n");
}

function how({ granted, origin, atMs, wordingVersion }: ConsentEntry): string {
  const words = wordingVersion === null ? "" : `, words of version ${wordingVersion}`;
  return `${granted ? "given" : "refused or withdrawn"} by ${origin} on ${new Date(atMs).toISOString().slice(0, 16).replace("T", " ")}${words}`;
}

function describeWording({ title, use, kept, without }: PurposeWording): string {
  return `${title}\n  ${use}\n  Kept: ${kept}\n  Without it: ${without}`;
}
