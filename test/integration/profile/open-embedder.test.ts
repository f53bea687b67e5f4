import { readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { packageRoot } from "../../../src/core/built-file.ts";
import type { LogFields, Logger } from "../../../src/core/logger.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import { openEmbedder, WORD_VECTOR_FILE } from "../../../src/profile/open-embedder.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

const shipped = `${packageRoot}models/${WORD_VECTOR_FILE}`;

function listeningLogger(): { readonly logger: Logger; readonly warnings: LogFields[] } {
  const warnings: LogFields[] = [];
  return { logger: { ...silentLogger, warn: (fields) => warnings.push(fields) }, warnings };
}

test("the shipped file gives 512 dimensions and no warning", async () => {
  const { logger, warnings } = listeningLogger();
  expect(await openEmbedder(shipped, logger)).toMatchObject({ id: "words-en-1/512", dimensions: 512 });
  expect(warnings).toEqual([]);
});

test("without the file, or with half of it, hashed n-grams take over and one warning names the code", async () => {
  await using folder = await makeTempDir("embedder");
  const half = folder.join("half.bin");
  const file = await readFile(shipped);
  await writeFile(half, file.subarray(0, file.length / 2));
  for (const [path, code] of [
    [folder.join("missing.bin"), "E_FILE_UNREADABLE"],
    [half, "E_EMBEDDER_INVALID"],
  ] as const) {
    const { logger, warnings } = listeningLogger();
    expect((await openEmbedder(path, logger)).id).toBe("hashed-ngrams-1/1024");
    expect(warnings).toMatchObject([{ code }]);
  }
});
