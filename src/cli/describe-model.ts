import { AppError } from "../core/errors.ts";
import { type ModelFile, TRAINABLE_ARCHITECTURES } from "../runtime/llm/model-file.ts";
import type { StoredModel } from "../runtime/llm/model-store.ts";

/** Facts of a model file as `--json` prints them. */
export function modelJson(file: ModelFile): Record<string, string | number | boolean> {
  return {
    name: file.name,
    path: file.path,
    architecture: file.architecture,
    quantisation: file.quantisation,
    parameters: file.parameters,
    size_bytes: file.sizeBytes,
    trained_context_tokens: file.trainedContextTokens,
    vocabulary_tokens: file.vocabularyTokens,
    has_chat_template: file.chatTemplate !== null,
    trainable: TRAINABLE_ARCHITECTURES.includes(file.architecture),
  };
}

/** One row of `asls model list` for scripts. */
export function storedModelJson({ fileName, path, origin, content }: StoredModel, inUse: string) {
  const common = { file: fileName, path, origin, in_use: path === inUse };
  return content instanceof AppError
    ? { ...common, error: content.code, message: content.message }
    : { ...common, ...modelJson(content) };
}

/** `asls model list` for people; `*` marks the one in use. */
export function storedModelLine({ fileName, path, content }: StoredModel, inUse: string): string {
  const start = `${path === inUse ? "*" : " "} ${fileName.padEnd(36)}`;
  if (content instanceof AppError) return `${start} cannot be used: ${content.message} [${content.code}]`;
  return `${start} ${content.architecture.padEnd(6)} ${content.quantisation.padEnd(6)} ${parametersText(content.parameters).padStart(6)}  ${megabytesText(content.sizeBytes)}`;
}

/** `asls model show` for people. */
export function describeModel(file: ModelFile, sha256: string): string {
  return [
    `name             ${file.name}`,
    `file             ${file.path}`,
    `architecture     ${file.architecture}${TRAINABLE_ARCHITECTURES.includes(file.architecture) ? "" : " (answers only, no training)"}`,
    `parameters       ${parametersText(file.parameters)}, mostly ${file.quantisation}`,
    `size             ${megabytesText(file.sizeBytes)}`,
    `trained context  ${file.trainedContextTokens} tokens`,
    `vocabulary       ${file.vocabularyTokens} tokens`,
    `chat template    ${file.chatTemplate === null ? "none: plain text is used" : "of the file"}`,
    `sha256           ${sha256}`,
  ].join("\n");
}

/** `2.0M`, `596M`, `1.2B`. */
function parametersText(parameters: number): string {
  if (parameters >= 1e9) return `${(parameters / 1e9).toFixed(1)}B`;
  if (parameters >= 1e7) return `${Math.round(parameters / 1e6)}M`;
  return `${(parameters / 1e6).toFixed(1)}M`;
}

export function megabytesText(bytes: number): string {
  return bytes < 1e8 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.round(bytes / 1e6)} MB`;
}
