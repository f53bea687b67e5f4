import { Worker } from "node:worker_threads";
import { builtFile } from "../core/built-file.ts";
import { AppError } from "../core/errors.ts";
import type { SpeechCallName, SpeechCalls, SpeechReply, SpeechRequest } from "./speech-worker-protocol.ts";

interface Pending {
  resolve(value: SpeechCalls[SpeechCallName]["result"]): void;
  reject(error: AppError): void;
}

/**
 * The event-loop side of one speech worker thread. Several engines may share one; calls are answered in order.
 * The thread starts with the first call and ends with `dispose`.
 */
export class SpeechWorker implements AsyncDisposable {
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | null = null;
  #nextId = 1;
  #failure: AppError | null = null;

  /** @throws AppError from the engine; E_HEARING_WORKER when the thread has died. */
  call<K extends SpeechCallName>(name: K, args: SpeechCalls[K]["args"]): Promise<SpeechCalls[K]["result"]> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) return reject(this.#failure);
      const request: SpeechRequest<K> = { id: this.#nextId++, call: name, args };
      this.#pending.set(request.id, { resolve: resolve as Pending["resolve"], reject });
      this.#thread().postMessage(request);
    });
  }

  /** Like {@link call} without waiting; a failure shows in the calls that follow. */
  post<K extends SpeechCallName>(name: K, args: SpeechCalls[K]["args"]): void {
    this.call(name, args).catch(() => {});
  }

  /** Ends the thread; open calls reject with E_ABORTED. Safe to call twice. */
  async [Symbol.asyncDispose](): Promise<void> {
    const worker = this.#worker;
    this.#fail(new AppError("E_ABORTED", "hearing was stopped"));
    this.#worker = null;
    await worker?.terminate();
  }

  #thread(): Worker {
    if (this.#worker !== null) return this.#worker;
    const worker = new Worker(builtFile("sensors/speech-worker"), { name: "asls-speech" });
    worker.on("message", (reply: SpeechReply) => this.#settle(reply));
    worker.on("error", (error) => {
      this.#fail(new AppError("E_HEARING_WORKER", "the speech thread failed", { cause: error }));
    });
    worker.on("exit", (code) => {
      this.#fail(new AppError("E_HEARING_WORKER", `the speech thread ended with ${code}`));
    });
    this.#worker = worker;
    return worker;
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
