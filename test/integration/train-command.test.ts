import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { describe, expect, it, vi } from "vitest";
import { builtFile, packageRoot } from "../../src/core/built-file.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";

const executable = `${packageRoot}build/trainer/asls-trainer`;
const model = `${packageRoot}models/seed-q8_0.gguf`;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `asls train` as a user runs it. */
function startTrain(args: readonly string[]): { child: ChildProcessWithoutNullStreams; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [builtFile("cli"), "train", ...args]);
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = once(child, "close").then(([code]: (number | null)[]) => ({ code: code ?? null, stdout, stderr }));
  return { child, ended };
}

function childrenOf(pid = 0): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return children.split(" ").filter(Boolean).map(Number);
}

function isTrainer(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith(executable);
  } catch {
    return false;
  }
}

/** Thirty questions with a pattern to learn, in all three forms of line. */
async function writeData(folder: TempDir, extraLines: readonly string[] = []): Promise<string[]> {
  const lines = Array.from({ length: 30 }, (_, i) => {
    const [prompt, completion] = [`where is item ${i}`, `Item ${i} is in drawer ${i % 5}.`];
    if (i % 3 === 0) return JSON.stringify({ text: `${prompt}? ${completion}` });
    if (i % 3 === 1) return JSON.stringify({ prompt, completion });
    return JSON.stringify({
      messages: [
        { role: "user", content: prompt },
        { role: "assistant", content: completion },
      ],
    });
  });
  const data = folder.join("data.jsonl");
  await writeFile(data, [...lines, "", ...extraLines].join("\n"));
  return ["--data", data, "--model", model, "--out", folder.join("out.gguf"), "--lr", "0.003"];
}

describe.skipIf(!existsSync(executable))("asls train (skipped when build/trainer is not built)", () => {
  it("trains on 27 examples, measures on the last 3, and prints one line of JSON", async () => {
    await using folder = await makeTempDir("train");
    const args = await writeData(folder);

    const { code, stdout, stderr } = await startTrain([...args, "--steps", "60", "--json"]).ended;

    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ kind: "done", out: folder.join("out.gguf"), examples: 27, steps: 60 });
    expect(result.held_out.examples).toBe(3);
    expect(result.held_out.adapter_loss).toBeLessThan(result.held_out.base_loss * 0.75);
    expect(stderr).toMatch(/train \[#{24}\] 60\/60 .* tok\/s/);
    expect((await readdir(folder.path)).sort()).toEqual(["data.jsonl", "out.gguf"]);
  });

  it("stops on SIGINT with exit code 130 and a checkpoint, and resumed gives the bytes of an undisturbed run", async () => {
    await using folder = await makeTempDir("train");
    const args = await writeData(folder);
    const whole = folder.join("whole.gguf");
    const undisturbed = startTrain([...args, "--steps", "400", "--held-out", "0", "--out", whole]);
    expect((await undisturbed.ended).code).toBe(0);

    const { child, ended } = startTrain([...args, "--steps", "400", "--held-out", "0"]);
    child.stderr.on("data", (chunk: Buffer) => {
      if (chunk.toString().includes("1/400")) child.kill("SIGINT");
    });
    const stopped = await ended;
    expect(stopped.code).toBe(130);
    expect(stopped.stdout).toMatch(/Stopped after step \d+\. Go on with the same command and --resume/);
    expect((await readdir(folder.path)).sort()).toEqual(["data.jsonl", "out.gguf.checkpoint", "whole.gguf"]);

    const resumed = await startTrain([...args, "--steps", "400", "--held-out", "0", "--resume"]).ended;
    expect(resumed.code).toBe(0);
    expect((await readFile(folder.join("out.gguf"))).equals(await readFile(whole))).toBe(true);
    expect(existsSync(folder.join("out.gguf.checkpoint"))).toBe(false);
  });

  it("leaves no orphan and a checkpoint behind when it is killed, and tidies up when resumed", async () => {
    await using folder = await makeTempDir("train");
    const args = await writeData(folder);
    const { child, ended } = startTrain([...args, "--steps", "1000000"]);
    const planned = once(child.stderr, "data"); // the plan: it is loaded
    await vi.waitFor(() => expect(childrenOf(child.pid).some(isTrainer)).toBe(true), { timeout: 30_000 });
    const trainer = childrenOf(child.pid).find(isTrainer) ?? 0;
    await planned;

    child.kill("SIGKILL");
    await ended;

    await vi.waitFor(() => expect(isTrainer(trainer)).toBe(false), { timeout: 30_000 });
    expect((await readdir(folder.path)).sort()).toEqual(["data.jsonl", "out.gguf.checkpoint", "out.gguf.work"]);
    expect((await stat(folder.join("out.gguf.work"))).mode & 0o777).toBe(0o700);

    const resumed = startTrain([...args, "--steps", "1000000", "--resume"]);
    resumed.child.stderr.on("data", (chunk: Buffer) => {
      if (chunk.toString().includes("/1000000")) resumed.child.kill("SIGTERM");
    });
    expect((await resumed.ended).code).toBe(130);
    expect((await readdir(folder.path)).sort()).toEqual(["data.jsonl", "out.gguf.checkpoint"]);
  });

  it.each([
    { what: "a line that is not JSON", line: "{secret", message: /line 32 is not JSON \[E_DATA_INVALID\]/ },
    { what: "another form", line: '{"question":"secret"}', message: /line 32 is none of .* \[E_DATA_INVALID\]/ },
    { what: "an unknown role", line: '{"messages":[{"role":"secret","content":"x"}]}', message: /line 32 is none of/ },
    {
      what: "a dialogue without an answer",
      line: '{"messages":[{"role":"user","content":"secret"}]}',
      message: /line 32: .* \[E_DATA_INVALID\]/,
    },
    {
      what: "a line that is too long",
      line: JSON.stringify({ text: "secret ".repeat(600) }),
      message: /line 32 has \d+ tokens, more than 512 \[E_DATA_INVALID\]/,
    },
  ])("refuses $what by its number, without its text and without a file left behind", async ({ line, message }) => {
    await using folder = await makeTempDir("train");
    const args = await writeData(folder, [line]);
    const { code, stderr } = await startTrain(args).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain("secret");
    expect(await readdir(folder.path)).toEqual(["data.jsonl"]);
  });

  it.each([
    { what: "a data file that is not there", args: ["--data", "/nowhere.jsonl"], exit: 66, code: "E_FILE_UNREADABLE" },
    { what: "a model that is not there", args: ["--model", "/nowhere.gguf"], exit: 1, code: "E_MODEL_MISSING" },
    { what: "a trainer that is not there", args: ["--trainer", "/nowhere"], exit: 1, code: "E_TRAINER_MISSING" },
    { what: "2 MB of memory", args: ["--memory-mb", "2"], exit: 1, code: "E_MEMORY_BUDGET" },
    { what: "a rank of 0", args: ["--rank", "0"], exit: 64, code: "whole number above 0" },
  ])("ends with exit code $exit and $code on $what", async ({ args, exit, code }) => {
    await using folder = await makeTempDir("train");
    const ended = await startTrain([...(await writeData(folder)), "--steps", "2", ...args]).ended;
    expect(ended.code).toBe(exit);
    expect(ended.stderr).toContain(code);
    expect(await readdir(folder.path)).toEqual(["data.jsonl"]);
  });
});
