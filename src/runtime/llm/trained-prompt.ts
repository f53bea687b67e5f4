import type { ComposePrompt } from "../../adapt/examples.ts";
import type { ChatMessage } from "../ports.ts";
import { buildPrompt, isSmallModel } from "./prompt.ts";

const NO_CONTEXT = { facts: [], exchanges: [], answerWords: null };

/**
 * Prompts of training examples, by the same code as those that the assistant will be asked with. Without facts and
 * retrieved exchanges: what the user may delete must not be trained in by way of another turn.
 *
 * @param parameters of the model, when it is asked.
 */
export function trainedPrompt(persona: string, parameters: () => number): ComposePrompt {
  return (interaction, history) =>
    buildPrompt({
      persona,
      context: NO_CONTEXT,
      recent: history.flatMap(({ input, answer }): ChatMessage[] => [
        { role: "user", content: input },
        { role: "assistant", content: answer },
      ]),
      input: interaction.input,
      nowMs: interaction.atMs,
      timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      addressByName: false,
      isSmallModel: isSmallModel(parameters()),
    }).messages;
}
