import { fork } from "node:child_process";
import { Worker } from "node:worker_threads";
import { builtFile } from "../core/built-file.ts";
import { AppError } from "../core/errors.ts";
import type { SpeechCallName, SpeechCalls, SpeechReply, SpeechRequest } from "./speech-worker-protocol.ts";

interface Pending {
  resolve(value: SpeechCalls[SpeechCallName]["result"]): void;
  reject(error: AppError): void;
}

/** thread: 10 MB. process: 45 MB, and a native library that aborts takes only itself down. */
export type WorkerIsolation = "thread" | "process";

/** The engines' memory is native; the thread's own heap only sees 1 KB frames, and would grow by 16 MB of them. */
const YOUNG_HEAP_MB = 2;
const OLD_HEAP_MB = 64;

interface Transport {
  send(request: SpeechRequest): void;
  end(): Promise<void>;
}

/**
 * The event-loop side of one speech worker. Several engines may share one; calls are answered in order.
 * The worker starts with the first call and ends with `dispose`.
 */
export class SpeechWorker implements AsyncDisposable {
  readonly #pending = new Map<number, Pending>();
  readonly #isolation: WorkerIsolation;
  #transport: Transport | null = null;
  #nextId = 1;
  #failure: AppError | null = null;

  constructor(isolation: WorkerIsolation) {
    this.#isolation = isolation;
  }

  /** @throws AppError from the engine; E_HEARING_WORKER when the worker has died. */
  call<K extends SpeechCallName>(name: K, args: SpeechCalls[K]["args"]): Promise<SpeechCalls[K]["result"]> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) return reject(this.#failure);
      const request: SpeechRequest<K> = { id: this.#nextId++, call: name, args };
      this.#pending.set(request.id, { resolve: resolve as Pending["resolve"], reject });
      this.#transport ??= this.#isolation === "thread" ? this.#startThread() : this.#startProcess();
      this.#transport.send(request);
    });
  }

  /** Like {@link call} without waiting; a failure shows in the calls that follow. */
  post<K extends SpeechCallName>(name: K, args: SpeechCalls[K]["args"]): void {
    this.call(name, args).catch(() => {});
  }

  /** Ends the worker, a thread after the call that it is at; open calls reject with E_ABORTED. Safe to call twice. */
  async [Symbol.asyncDispose](): Promise<void> {
    const transport = this.#transport;
    this.#fail(new AppError("E_ABORTED", "hearing was stopped"));
    this.#transport = null;
    await transport?.end();
  }

  #startThread(): Transport {
    const worker = new Worker(builtFile("sensors/speech-worker"), {
      name: "asls-speech",
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_HEAP_MB, maxOldGenerationSizeMb: OLD_HEAP_MB },
    });
    worker.on("message", (reply: SpeechReply) => this.#settle(reply));
    worker.on("error", (error) => this.#die("the speech thread failed", error));
    worker.on("exit", (code) => this.#die(`the speech thread ended with ${code}`));
    const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    const send = (request: SpeechRequest) => worker.postMessage(request);
    return {
      send,
      end: async () => {
        // not terminate(): an addon that it interrupts (sherpa-onnx opening a model) aborts the whole process
        send({ id: this.#nextId++, call: "end", args: null });
        await ended;
      },
    };
  }

  #startProcess(): Transport {
    const child = fork(builtFile("sensors/speech-worker"), [], {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      execArgv: [],
    });
    const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
    child.on("message", (reply: SpeechReply) => this.#settle(reply));
    child.on("error", (error) => this.#die("the speech process failed", error));
    child.on("close", (code, signal) => this.#die(`the speech process ended with ${signal ?? code}`));
    return {
      send: (request) => {
        if (child.connected) child.send(request);
      },
      end: async () => {
        child.kill("SIGKILL"); // it holds nothing that could be lost
        await closed;
      },
    };
  }

  #die(message: string, cause?: unknown): void {
    this.#fail(new AppError("E_HEARING_WORKER", message, cause === undefined ? {} : { cause }));
  }

  #settle(reply: SpeechReply): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (reply.ok) pending?.resolve(reply.value);
    else pending?.reject(new AppError(reply.code, reply.message, reply.hint === null ? {} : { hint: reply.hint }));
  }

  #fail(error: AppError): void {
    this.#failure ??= error;
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
  }
}
