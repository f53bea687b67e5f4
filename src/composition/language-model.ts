import { availableParallelism } from "node:os";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import type { AslsConfig } from "../runtime/config/schema.ts";
import { LlamaCppLanguageModel } from "../runtime/llm/llama-cpp-language-model.ts";
import { extraArchitecturesOf, modelPathOf } from "../runtime/llm/model-file.ts";
import { isSmallModel } from "../runtime/llm/prompt.ts";
import type { ModelService } from "../runtime/service/model-service.ts";
import type { Profiles } from "../runtime/service/open-profiles.ts";
import { PhraseKeeper } from "../runtime/service/phrase-keeper.ts";

/** Newest turns whose phrases answers may take up: about 30,000 tokens, a few MB. */
const PHRASE_LIMIT = 500;

/** The configured model. @throws AppError E_MODEL_*, E_ARCH_UNSUPPORTED. */
export function loadModel(
  { model }: Pick<AslsConfig, "model">,
  clock: Clock,
  log: Logger,
  signal: AbortSignal,
): Promise<LlamaCppLanguageModel> {
  const { path, threads, contextTokens, gpu, extraArchitectures } = model;
  return LlamaCppLanguageModel.load(
    {
      modelPath: modelPathOf(path),
      threads,
      contextTokens,
      gpu,
      extraArchitectures: extraArchitecturesOf(extraArchitectures),
    },
    { clock, logger: log.child({ part: "llm" }), cores: availableParallelism() },
    signal,
  );
}

/** Keeps the model's phrase memory at what the present person may be reminded of. */
export function makePhraseKeeper(
  { model, profile }: Pick<AslsConfig, "model" | "profile">,
  { profiles, models, log }: { readonly profiles: Profiles; readonly models: ModelService; readonly log: Logger },
): PhraseKeeper {
  return new PhraseKeeper({
    store: profiles.store,
    archive: profiles.archive,
    log: log.child({ part: "phrases" }),
    limit: Math.min(PHRASE_LIMIT, profile.recallLimit),
    model: () => models.model,
    isWanted: ({ info }) =>
      model.phraseMemory === "always" || (model.phraseMemory === "auto" && isSmallModel(info.parameters)),
  });
}
