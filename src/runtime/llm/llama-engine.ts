import type { Llama, LlamaContext, LlamaContextSequence, LlamaModel } from "node-llama-cpp";
import { AppError } from "../../core/errors.ts";
import type { Logger } from "../../core/logger.ts";
import type { AdapterFile } from "../ports.ts";

/** false: CPU only. `auto` takes CUDA or Vulkan when a library for it is installed. */
export type GpuChoice = false | "auto" | "cuda" | "vulkan";

export interface EngineOptions {
  /** Threads of inference, >= 1. One fewer than the cores keeps ggml's spin barriers from stalling on a busy board. */
  readonly threads: number;
  /** Size of the KV cache in tokens, not above what the model was trained for. */
  readonly contextTokens: number;
  readonly gpu: GpuChoice;
  /** Default `auto`: wherever the library supports it. */
  readonly flashAttention?: "auto" | false;
}

/** node-llama-cpp's native library, in use by one owner. */
export interface Engine {
  readonly llama: Llama;
  /** Once its models are disposed: the next owner may have it. */
  release(): void;
}

interface LoadedEngine {
  readonly llama: Llama;
  logger: Logger;
}

/** Loaded and used by nobody, by what they were loaded with. */
const idle = new Map<string, LoadedEngine[]>();

/**
 * Loads node-llama-cpp's native library, or takes one that was released; the import is lazy since it costs about 0.5 s and 60 MB.
 * It is never disposed: each loading leaves its classes in V8's heap for good, and every training needs one.
 * Never downloads and never compiles: what is not installed is E_LLM_UNAVAILABLE.
 */
export async function loadEngine(options: EngineOptions, logger: Logger): Promise<Engine> {
  const key = `${options.gpu} ${options.threads}`;
  const kept = idle.get(key) ?? [];
  idle.set(key, kept);
  const engine = kept.pop() ?? (await openEngine(options, logger));
  engine.logger = logger;
  let isReleased = false;
  return {
    llama: engine.llama,
    release: () => {
      if (!isReleased) kept.push(engine);
      isReleased = true;
    },
  };
}

async function openEngine({ gpu, threads }: EngineOptions, logger: Logger): Promise<LoadedEngine> {
  try {
    const { getLlama, LlamaLogLevel } = await import("node-llama-cpp");
    const told = { logger };
    const llama = await getLlama({
      gpu,
      build: "never",
      skipDownload: true,
      progressLogs: false,
      maxThreads: threads,
      logLevel: LlamaLogLevel.warn,
      logger: (level, message) => {
        const fields = { engine: message.trim() };
        if (level === LlamaLogLevel.error || level === LlamaLogLevel.fatal)
          told.logger.error(fields, "llama.cpp error");
        else told.logger.warn(fields, "llama.cpp warning");
      },
    });
    return Object.assign(told, { llama });
  } catch (error) {
    throw new AppError("E_LLM_UNAVAILABLE", "node-llama-cpp could not be loaded", { cause: error });
  }
}

/**
 * Loads a model whose header has been checked.
 * @throws AppError E_MODEL_MEMORY, E_MODEL_LOAD, E_ABORTED.
 */
export async function loadModel(llama: Llama, path: string, signal?: AbortSignal): Promise<LlamaModel> {
  try {
    return await llama.loadModel({ modelPath: path, ...(signal ? { loadSignal: signal } : {}) });
  } catch (error) {
    if (signal?.aborted) throw new AppError("E_ABORTED", "aborted while loading the model", { cause: error });
    throw await engineError(error, `llama.cpp could not load ${path}`);
  }
}

/** A context with one sequence and its adapters: everything that is replaced when adapters change. */
export class ModelSlot {
  readonly model: LlamaModel;
  readonly adapters: readonly AdapterFile[];
  readonly context: LlamaContext;
  readonly sequence: LlamaContextSequence;

  constructor(model: LlamaModel, adapters: readonly AdapterFile[], context: LlamaContext) {
    this.model = model;
    this.adapters = adapters;
    this.context = context;
    this.sequence = context.getSequence();
  }

  /** @throws AppError E_MODEL_MEMORY, E_MODEL_LOAD, E_ADAPTER_INVALID. */
  static async open(model: LlamaModel, adapters: readonly AdapterFile[], options: EngineOptions): Promise<ModelSlot> {
    try {
      const context = await model.createContext({
        contextSize: options.contextTokens,
        threads: options.threads,
        flashAttention: options.flashAttention ?? "auto",
        sequences: 1,
        failedCreationRemedy: false,
        ...(adapters.length > 0
          ? { lora: { adapters: adapters.map(({ path, scale }) => ({ filePath: path, scale })) } }
          : {}),
      });
      return new ModelSlot(model, adapters, context);
    } catch (error) {
      const failure = await engineError(error, "llama.cpp could not create a context");
      if (failure.code === "E_MODEL_LOAD" && adapters.length > 0) {
        throw new AppError("E_ADAPTER_INVALID", "llama.cpp refused the adapter", { cause: error });
      }
      throw failure;
    }
  }

  /** Frees the context; the model belongs to the caller. */
  async dispose(): Promise<void> {
    await this.context.dispose();
  }
}

async function engineError(error: unknown, message: string): Promise<AppError> {
  const { InsufficientMemoryError } = await import("node-llama-cpp");
  return error instanceof InsufficientMemoryError
    ? new AppError("E_MODEL_MEMORY", `${message}: not enough memory`, { cause: error })
    : new AppError("E_MODEL_LOAD", message, { cause: error });
}
