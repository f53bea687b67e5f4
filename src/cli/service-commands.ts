import type { Command } from "commander";
import { AppError } from "../core/errors.ts";
import { print } from "./context.ts";
import { describeEvent, describeStatus } from "./describe.ts";
import { ask, client, type JsonOption } from "./service-client.ts";

/** A press of this length counts as held with every valid `buttons.holdMs` up to its default. */
const HOLD_MS = 2_000;
const CLICK_MS = 80;

export function sayCommand(): Command {
  return client(
    "say",
    "one turn by text with the running service; the answer streams to the terminal",
    '  asls say "turn on the kitchen lights"\n  asls say --aloud "what time is it"\n  echo "hello" | asls say -',
  )
    .argument("<text>", "what you would have said; - reads it from standard input")
    .option("--aloud", "also speak the answer at the device")
    .action(async (given: string, options: JsonOption & { aloud?: boolean }, command: Command) => {
      const text = (given === "-" ? await readStandardInput() : given).trim();
      if (text === "") throw new AppError("E_USAGE", "there is nothing to say");
      let streamed = false;
      const result = await ask(command, "say", { text, aloud: options.aloud === true }, (event, data) => {
        if (event !== "text" || options.json === true) return;
        streamed = true;
        process.stdout.write(String(data));
      });
      if (options.json === true) print(true, result, () => "");
      else process.stdout.write(streamed ? "\n" : "");
    });
}

async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}

export function listenCommand(): Command {
  return client(
    "listen",
    "one turn from a WAV file (16 kHz mono 16-bit), as if it had been spoken; answered aloud at the device",
    "  asls listen request.wav --board virtual",
  )
    .argument("<file>", "WAV file")
    .action(async (file: string, options: JsonOption, command: Command) => {
      const { resolve } = await import("node:path");
      const result = await ask(command, "listen", { path: resolve(file) });
      print(options.json, result, () => describeEvent("turn", result) ?? "nothing was heard");
    });
}

export function pressCommand(): Command {
  return client(
    "press",
    "press a button of the virtual board",
    "  asls press talk --board virtual\n  asls press talk --hold --board virtual   # confirms what needs presence",
  )
    .argument("<button>", "talk, up or down")
    .option("--hold", `keep it pressed for ${HOLD_MS} ms`)
    .action(async (name: string, options: JsonOption & { hold?: boolean }, command: Command) => {
      const button = (["talk", "up", "down"] as const).find((known) => known === name);
      if (button === undefined) throw new AppError("E_USAGE", "the button is one of talk, up, down");
      await ask(command, "press", { button, holdMs: options.hold === true ? HOLD_MS : CLICK_MS });
      print(options.json, { pressed: button }, () => `pressed ${button}`);
    });
}

export function feedbackCommand(): Command {
  return client(
    "feedback",
    "rate the last answer, or say what it should have been",
    '  asls feedback up\n  asls feedback down\n  asls feedback "it is in the hall"',
  )
    .argument("<verdict>", "up, down, or the right answer")
    .action(async (verdict: string, options: JsonOption, command: Command) => {
      const kind = verdict === "up" || verdict === "down" ? verdict : "correction";
      await ask(command, "feedback", { kind, correction: kind === "correction" ? verdict : null });
      print(options.json, { recorded: kind }, () => `recorded: ${kind}`);
    });
}

export function muteCommand(): Command {
  return client("mute", "stop the microphone, or start it again", "  asls mute on\n  asls mute off")
    .argument("<state>", "on or off")
    .action(async (state: string, options: JsonOption, command: Command) => {
      if (state !== "on" && state !== "off") throw new AppError("E_USAGE", "say `asls mute on` or `asls mute off`");
      await ask(command, "mute", { muted: state === "on" });
      print(options.json, { muted: state === "on" }, () => (state === "on" ? "muted" : "listening again"));
    });
}

export function guestCommand(): Command {
  return client(
    "guest",
    "guest mode: nothing is stored, no profile is used and no adapter answers",
    "  asls guest on\n  asls guest off",
  )
    .argument("<state>", "on or off")
    .action(async (state: string, options: JsonOption, command: Command) => {
      if (state !== "on" && state !== "off") throw new AppError("E_USAGE", "say `asls guest on` or `asls guest off`");
      const result = await ask(command, "guest", { on: state === "on" });
      print(options.json, result, () => `guest mode is ${state}`);
    });
}

export function learningCommand(): Command {
  return client(
    "learning",
    "the household's switch: off, nothing is stored, used or trained, whatever was consented to",
    "  asls learning off\n  asls learning on",
  )
    .argument("<state>", "on or off")
    .action(async (state: string, options: JsonOption, command: Command) => {
      if (state !== "on" && state !== "off")
        throw new AppError("E_USAGE", "say `asls learning on` or `asls learning off`");
      await ask(command, "learning", { enabled: state === "on" });
      print(options.json, { learning: state }, () => `learning is ${state}`);
    });
}

export function statusCommand(): Command {
  return client("status", "what the service is doing, and what stands in its way", "  asls status --json").action(
    async (options: JsonOption, command: Command) => {
      const status = await ask(command, "status", {});
      print(options.json, status, () => describeStatus(status));
    },
  );
}

export function watchCommand(): Command {
  return client("watch", "print what happens, line by line, until Ctrl-C", "  asls watch --board virtual").action(
    async (options: JsonOption, command: Command) => {
      await ask(command, "watch", {}, (event, data) => {
        const line = options.json === true ? JSON.stringify({ event, data }) : describeEvent(event, data);
        if (line !== null) process.stdout.write(`${line}\n`);
      });
    },
  );
}
