import { packageRoot } from "../../src/core/built-file.ts";
import { SystemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { LlamaCppLanguageModel } from "../../src/runtime/llm/llama-cpp-language-model.ts";
import { ScriptedLanguageModel } from "../support/scripted-language-model.ts";
import { languageModelContract } from "./language-model.ts";

languageModelContract("ScriptedLanguageModel", async () => new ScriptedLanguageModel());

languageModelContract("LlamaCppLanguageModel with the shipped model", () =>
  LlamaCppLanguageModel.load(
    {
      modelPath: `${packageRoot}models/seed-q8_0.gguf`,
      threads: 1,
      contextTokens: 512,
      gpu: false,
      extraArchitectures: [],
    },
    { clock: new SystemClock(), logger: silentLogger, cores: 2 },
  ),
);
