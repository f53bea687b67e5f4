/**
 * Builds the home language model: templates -> sentences -> trigram ARPA -> build/home-lm/home.lm.bin, and the
 * pronunciation dictionary of exactly its words, home.dict. Run by deploy/bootstrap.sh; needs sphinx_lm_convert.
 *
 *   tsx deploy/home-language-model/build.ts [output folder]
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { packageRoot } from "../../src/core/built-file.ts";
import { HOME_MODEL_DIR, SYSTEM_MODEL_DIR } from "../../src/sensors/hearing.ts";
import { pronunciations } from "../../src/sensors/pronunciation-dictionary.ts";
import { homeCorpus, homeVocabulary, readHomeGrammar } from "./home-corpus.ts";
import { TrigramModel } from "./trigram-model.ts";

async function build(output: string): Promise<void> {
  const grammar = readHomeGrammar(`${packageRoot}deploy/home-language-model`);
  const vocabulary = homeVocabulary(grammar);
  const known = new Map([
    ...(await pronunciations(`${SYSTEM_MODEL_DIR}/cmudict-en-us.dict`, vocabulary)),
    ...(await pronunciations(`${packageRoot}deploy/home-language-model/extra.dict`, vocabulary)),
  ]);
  const missing = vocabulary.filter((word) => !known.has(word));
  if (missing.length > 0) throw new Error(`no pronunciation for: ${missing.join(" ")}`);

  const sentences = homeCorpus(grammar);
  mkdirSync(output, { recursive: true });
  const arpa = `${output}/home.arpa`;
  writeFileSync(arpa, new TrigramModel(sentences, vocabulary).toArpa());
  execFileSync("sphinx_lm_convert", ["-i", arpa, "-ifmt", "arpa", "-o", `${output}/home.lm.bin`, "-ofmt", "bin"], {
    stdio: ["ignore", "ignore", "ignore"],
  });
  rmSync(arpa);
  writeFileSync(`${output}/home.dict`, dictionaryText(known));
  process.stdout.write(`${sentences.length} sentences, ${vocabulary.length} words -> ${output}\n`);
}

function dictionaryText(known: ReadonlyMap<string, readonly string[]>): string {
  return [...known]
    .flatMap(([word, alternatives]) =>
      alternatives.map((phones, i) => `${i === 0 ? word : `${word}(${i + 1})`} ${phones}\n`),
    )
    .join("");
}

await build(process.argv[2] ?? HOME_MODEL_DIR);
