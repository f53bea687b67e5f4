import type { Token } from "node-llama-cpp";
import type { GenerateRequest } from "../ports.ts";
import type { ModelSlot } from "./llama-engine.ts";
import { tokenChooser } from "./next-token.ts";
import type { PhraseMixture } from "./phrase-mixture.ts";

/**
 * The answer's tokens, one by one, up to the one that ends it. With phrases each is chosen from the mixture of model
 * and phrases; what was chosen instead of the model's own token is what the model goes on from.
 *
 * @param prompt all tokens of the prompt.
 * @param rest those of them that are not evaluated yet, at least one.
 */
export async function* generatedTokens(
  { sequence, model }: Pick<ModelSlot, "sequence" | "model">,
  prompt: readonly Token[],
  rest: Token[],
  { temperature, seed }: Pick<GenerateRequest, "temperature" | "seed">,
  phrases: PhraseMixture | null,
): AsyncGenerator<Token, void> {
  const sampling = { temperature, ...(seed === null ? {} : { seed }) };
  if (phrases === null) {
    yield* sequence.evaluate(rest, sampling);
    return;
  }
  const choose = tokenChooser(phrases, temperature, seed);
  const history: number[] = [...prompt];
  // The end is a token like others: the memory may go on where the model would end.
  const steps = sequence.evaluateWithMetadata(rest, { confidence: true }, { ...sampling, yieldEogToken: true });
  try {
    for (let step = await steps.next(); !step.done; ) {
      const { token, confidence } = step.value;
      // Every token in the memory came from this vocabulary.
      const chosen = choose(history, token, confidence) as Token;
      if (model.isEogToken(chosen)) return;
      history.push(chosen);
      yield chosen;
      step = await steps.next(chosen);
    }
  } finally {
    await steps.return();
  }
}
