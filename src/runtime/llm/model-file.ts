import { basename } from "node:path";
import { packageRoot } from "../../core/built-file.ts";
import { AppError } from "../../core/errors.ts";
import { type GgufHeader, metadataLength, metadataNumber, metadataString, readGgufHeader } from "./gguf-header.ts";
import { checkModelShape, positiveInteger } from "./model-shape.ts";

/** Architectures that the runtime runs and the trainer trains. */
export const TRAINABLE_ARCHITECTURES: readonly string[] = ["llama", "qwen2", "qwen3"];

/** Path of the model to use: the configured one (`model.path`), or the shipped one when that is empty. */
export function modelPathOf(configured: string): string {
  return configured === "" ? `${packageRoot}models/seed-q8_0.gguf` : configured;
}

/** `model.extraArchitectures` as a list. */
export function extraArchitecturesOf(configured: string): string[] {
  return configured.split(",").flatMap((name) => (name.trim() === "" ? [] : [name.trim()]));
}

/** What a model file says about itself, checked before native code opens it. */
export interface ModelFile {
  readonly path: string;
  readonly name: string;
  readonly architecture: string;
  /** Type that most weight bytes have, e.g. `Q8_0`. */
  readonly quantisation: string;
  readonly sizeBytes: number;
  readonly trainedContextTokens: number;
  readonly vocabularyTokens: number;
  readonly parameters: number;
  /** Width of one attention head, or null when it differs between layers. */
  readonly headWidth: number | null;
  /** Jinja source, or null when the file brings none. */
  readonly chatTemplate: string | null;
  readonly header: GgufHeader;
}

/**
 * Reads and checks a model's GGUF header: structure, architecture and the numbers llama.cpp divides by or indexes with.
 *
 * @param extraArchitectures allowed for answering besides {@link TRAINABLE_ARCHITECTURES}; default none.
 * @throws AppError E_MODEL_MISSING, E_FILE_UNREADABLE, E_MODEL_TRUNCATED, E_MODEL_INVALID, E_ARCH_UNSUPPORTED.
 */
export async function inspectModel(path: string, extraArchitectures: readonly string[] = []): Promise<ModelFile> {
  const header = await readGgufHeader(path);
  const architecture = metadataString(header, "general.architecture");
  if (architecture === undefined) throw new AppError("E_MODEL_INVALID", "general.architecture is missing");
  const type = metadataString(header, "general.type") ?? "model";
  if (type !== "model") {
    throw new AppError("E_MODEL_INVALID", `the file is of the type ${JSON.stringify(type)}, not a model`, {
      details: { type },
    });
  }
  if (![...TRAINABLE_ARCHITECTURES, ...extraArchitectures].includes(architecture)) {
    throw new AppError(
      "E_ARCH_UNSUPPORTED",
      `models of the architecture ${JSON.stringify(architecture)} are not supported`,
      {
        details: { architecture },
        hint: `Use a model of ${TRAINABLE_ARCHITECTURES.join(", ")}, or name the architecture in model.extraArchitectures (answers only).`,
      },
    );
  }
  const vocabularyTokens = checkVocabulary(header);
  checkModelShape(header, architecture, vocabularyTokens, TRAINABLE_ARCHITECTURES.includes(architecture));
  return {
    path,
    name: metadataString(header, "general.name") ?? basename(path, ".gguf"),
    architecture,
    quantisation: dominantType(header),
    sizeBytes: header.sizeBytes,
    trainedContextTokens: positiveInteger(header, `${architecture}.context_length`),
    vocabularyTokens,
    parameters: [...header.tensors.values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
    headWidth: headWidthOf(header, architecture),
    chatTemplate: metadataString(header, "tokenizer.chat_template") ?? null,
    header,
  };
}

/** llama.cpp indexes scores and token types by token without looking at their length. */
function checkVocabulary(header: GgufHeader): number {
  const tokens = metadataLength(header, "tokenizer.ggml.tokens");
  if (tokens === undefined || tokens < 1) throw new AppError("E_MODEL_INVALID", "the file brings no vocabulary");
  const tokenizer = metadataString(header, "tokenizer.ggml.model");
  if (tokenizer === undefined) throw new AppError("E_MODEL_INVALID", "tokenizer.ggml.model is missing");
  for (const key of ["tokenizer.ggml.scores", "tokenizer.ggml.token_type"]) {
    const length = metadataLength(header, key);
    if (length !== undefined && length !== tokens) {
      throw new AppError("E_MODEL_INVALID", `${key} has ${length} entries for ${tokens} tokens`);
    }
  }
  return tokens;
}

function headWidthOf(header: GgufHeader, architecture: string): number | null {
  const explicit = metadataNumber(header, `${architecture}.attention.key_length`);
  if (explicit !== undefined) return explicit;
  const heads = metadataNumber(header, `${architecture}.attention.head_count`);
  return heads === undefined ? null : (metadataNumber(header, `${architecture}.embedding_length`) ?? 0) / heads;
}

function dominantType(header: GgufHeader): string {
  const bytes = new Map<string, number>();
  for (const { type, sizeBytes } of header.tensors.values()) bytes.set(type, (bytes.get(type) ?? 0) + sizeBytes);
  return [...bytes].sort((a, b) => b[1] - a[1])[0]?.[0] ?? "unknown";
}
