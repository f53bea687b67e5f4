import type { GpuChoice } from "./llama-engine.ts";
import type { ModelFile } from "./model-file.ts";

/**
 * Narrower heads do without flash attention on the CPU: with heads of 32, 31 tokens behind 300 cost 36 ms with it and
 * 4.2 ms without, one token 1.7 and 1.1 ms; with heads of 64 both are about equal for one token, and prompts are a
 * quarter faster with it.
 */
const FLASH_ATTENTION_HEAD_WIDTH = 64;

/** What suits the model on that device; see {@link FLASH_ATTENTION_HEAD_WIDTH}. */
export function flashAttentionFor(file: ModelFile, gpu: GpuChoice): "auto" | false {
  return gpu === false && file.headWidth !== null && file.headWidth < FLASH_ATTENTION_HEAD_WIDTH ? false : "auto";
}
