import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { delay, SystemClock } from "../../../src/core/clock.ts";
import { type Place, runProgram } from "./place.ts";

export interface SshTarget {
  /** user@host */
  readonly host: string;
  readonly port: number;
  /** Null: ssh's own choice. */
  readonly identityFile: string | null;
  /** Null: the user's own known_hosts. */
  readonly knownHosts: { readonly file: string; readonly name: string } | null;
}

/** From a socket or port of this machine to one of the board. */
export interface SshForward {
  /** Path, or a port of 127.0.0.1. */
  readonly local: string;
  readonly remote: string;
}

const RETRY_MS = 1_000;

/** One SSH connection that every command and every forwarded socket shares. */
export class SshConnection implements Place, AsyncDisposable {
  readonly #target: SshTarget;
  readonly #controlPath: string;
  readonly #master: ChildProcess;

  private constructor(target: SshTarget, controlPath: string, master: ChildProcess) {
    this.#target = target;
    this.#controlPath = controlPath;
    this.#master = master;
  }

  /**
   * Connects, trying again while the board boots.
   * @param controlPath of the socket by which commands reach the connection; short, since sockets allow 107 bytes.
   * @throws Error of the last attempt once `timeoutMs` is over.
   */
  static async open(
    target: SshTarget,
    controlPath: string,
    forwards: readonly SshForward[],
    timeoutMs: number,
  ): Promise<SshConnection> {
    const clock = new SystemClock();
    const untilMs = clock.monotonicMs() + timeoutMs;
    for (;;) {
      const errors: string[] = [];
      // A connection that was cut leaves its socket, and the next one would not make its own.
      await rm(controlPath, { force: true });
      const master = spawn(
        "ssh",
        [
          ...optionsOf(target),
          ...["-M", "-S", controlPath, "-N"],
          ...["-o", "ExitOnForwardFailure=yes", "-o", "StreamLocalBindUnlink=yes", "-o", "ServerAliveInterval=30"],
          ...forwards.flatMap(({ local, remote }) => ["-L", `${local}:${remote}`]),
          target.host,
        ],
        { stdio: ["ignore", "ignore", "pipe"] },
      );
      master.stderr?.on("data", (chunk: Buffer) => errors.push(chunk.toString("utf8")));
      const connection = new SshConnection(target, controlPath, master);
      if (await connection.#isUp()) return connection;
      if (clock.monotonicMs() > untilMs) throw new Error(`no SSH to ${target.host}: ${errors.join("").trim()}`);
      await delay(clock, RETRY_MS);
    }
  }

  async run(script: string): Promise<string> {
    return await runProgram("ssh", [...this.#via, this.#target.host, "sh -eu"], script);
  }

  /** Copies a file of this machine to the board. */
  async copyTo(localPath: string, remotePath: string): Promise<void> {
    await runProgram("scp", [...this.#scp, localPath, `${this.#target.host}:${remotePath}`]);
  }

  /** Ends the connection at once, also when the other end is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#master.exitCode !== null || this.#master.signalCode !== null) return;
    const ended = once(this.#master, "exit");
    this.#master.kill("SIGKILL");
    await ended;
  }

  get #scp(): readonly string[] {
    return ["-q", "-F", "none", "-P", String(this.#target.port), "-o", `ControlPath=${this.#controlPath}`];
  }

  get #via(): readonly string[] {
    return [...optionsOf(this.#target), "-S", this.#controlPath];
  }

  /** True once commands get through, false when the connection ended before. */
  async #isUp(): Promise<boolean> {
    const clock = new SystemClock();
    while (this.#master.exitCode === null && this.#master.signalCode === null) {
      try {
        await runProgram("ssh", [...this.#via, "-O", "check", this.#target.host]);
        return true;
      } catch {
        await delay(clock, 100);
      }
    }
    return false;
  }
}

function optionsOf({ port, identityFile, knownHosts }: SshTarget): readonly string[] {
  return [
    ...["-F", "none", "-p", String(port), "-o", "BatchMode=yes", "-o", "ConnectTimeout=60", "-o", "LogLevel=ERROR"],
    ...(identityFile === null ? [] : ["-i", identityFile, "-o", "IdentitiesOnly=yes"]),
    ...(knownHosts === null
      ? []
      : ["-o", `UserKnownHostsFile=${knownHosts.file}`, "-o", `HostKeyAlias=${knownHosts.name}`]),
  ];
}
