import { isAppError } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { HashedNgramEmbedder } from "./hashed-ngram-embedder.ts";
import type { SentenceEmbedder } from "./ports.ts";
import { WordVectorEmbedder } from "./word-vector-embedder.ts";

/** File of the word vectors inside models/. */
export const WORD_VECTOR_FILE = "words-en-100d.bin";

/**
 * The sentence embedder: word vectors, or hashed n-grams alone when their file is missing or damaged (said in the log; the
 * id shows which). Profiles written with one are re-embedded when the other takes over.
 */
export async function openEmbedder(path: string, logger: Logger): Promise<SentenceEmbedder> {
  try {
    return await WordVectorEmbedder.load(path);
  } catch (error) {
    if (!isAppError(error)) throw error;
    logger.warn({ code: error.code, path }, "word vectors unavailable, using hashed n-grams");
    return new HashedNgramEmbedder();
  }
}
