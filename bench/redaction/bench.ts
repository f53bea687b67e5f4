import { readFileSync } from "node:fs";
import { REDACTION_KINDS } from "../../src/profile/redaction-rules.ts";
import type { Benchmark } from "../report.ts";
import { measureRedaction, parseLabelled } from "./measure.ts";

export const bench: Benchmark = {
  summary: "what redaction finds and what it cuts out by mistake, on labelled sentences of ours",
  packages: [],
  options: {
    tuning: {
      type: "boolean",
      default: false,
      doc: "The sentences the rules were written on instead of the held-out ones.",
    },
  },
  async run({ options, log }) {
    const name = options.tuning === true ? "tuning" : "held-out";
    const sentences = parseLabelled(readFileSync(new URL(`${name}.txt`, import.meta.url), "utf8"));
    const { total, byKind, misses, excesses } = measureRedaction(sentences);
    for (const text of misses) log(`missed     ${text}`);
    for (const text of excesses) log(`too much   ${text}`);
    const rows = REDACTION_KINDS.map((kind) => ({ kind, ...byKind[kind] }));
    for (const { kind, labelled, precision, recall } of rows) {
      log(`${kind.padEnd(16)} ${labelled} labelled, precision ${precision.toFixed(3)}, recall ${recall.toFixed(3)}`);
    }
    const figure = (value: number, goal: string) => ({ value, unit: "share", goal });
    return {
      figures: {
        precision: figure(total.precision, ">= 0.95"),
        recall: figure(total.recall, ">= 0.90"),
        f1: figure(total.f1, ">= 0.92"),
      },
      rows,
      conditions: { set: name, sentences: sentences.length, labelled: total.labelled },
    };
  },
};
