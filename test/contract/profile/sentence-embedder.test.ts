import { packageRoot } from "../../../src/core/built-file.ts";
import { HashedNgramEmbedder } from "../../../src/profile/hashed-ngram-embedder.ts";
import { WORD_VECTOR_FILE } from "../../../src/profile/open-embedder.ts";
import { WordVectorEmbedder } from "../../../src/profile/word-vector-embedder.ts";
import { sentenceEmbedderContract } from "./sentence-embedder.contract.ts";

sentenceEmbedderContract("WordVectorEmbedder", () =>
  WordVectorEmbedder.load(`${packageRoot}models/${WORD_VECTOR_FILE}`),
);
sentenceEmbedderContract("HashedNgramEmbedder", async () => new HashedNgramEmbedder());
