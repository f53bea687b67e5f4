/** One way to personalise, as data. */
export interface Arm {
  readonly name: string;
  readonly doc: string;
  /** Weights change; false = the base as it is. */
  readonly adapts: boolean;
  /** What stands in front of the dialogue: nothing, what the writer talks about, or similar earlier exchanges. */
  readonly prompt: "none" | "profile" | "retrieval";
  /** Phrase memory (src/runtime/llm/phrase-memory.ts): of nothing, of the present dialogue, or of all that was said before. */
  readonly memory: "none" | "dialogue" | "own";
  readonly start: "meta" | "zero";
  readonly selection: "novelty" | "fifo" | "random";
  /** Share of the writer's training tokens that may be trained on, (0, 1]. */
  readonly budgetShare: number;
  readonly rate: "adaptive" | "constant";
  /** Trains again on test dialogues once they have been measured, block by block. */
  readonly retunes: boolean;
}

/** Arms of the same name here begin with the same adapter. */
export function trainingName({ start, selection, budgetShare, rate }: Arm): string {
  return `${start}-${selection}-${budgetShare.toFixed(2)}-${rate}`;
}

const MAIN: Arm = {
  name: "adapt_prompt",
  doc: "adapter, adapted once, and phrase memory, which grows turn by turn",
  adapts: true,
  prompt: "none",
  memory: "own",
  start: "meta",
  selection: "novelty",
  budgetShare: 1,
  rate: "adaptive",
  retunes: false,
};
const BASE: Arm = { ...MAIN, name: "base", doc: "the base as it is", adapts: false, memory: "none" };
const ADAPTER: Arm = {
  ...MAIN,
  name: "no_retuning",
  doc: "adapter alone, adapted once and never again",
  memory: "none",
};

/** The arms behind `no_retuning` differ from it, or from `half_novelty`, by one thing. */
export const ARMS: readonly Arm[] = [
  BASE,
  {
    ...BASE,
    name: "profile_prompt",
    doc: "base; what the writer talks about in the system message",
    prompt: "profile",
  },
  { ...BASE, name: "retrieval", doc: "base; similar earlier exchanges in the prompt", prompt: "retrieval" },
  {
    ...BASE,
    name: "dialogue_phrases",
    doc: "control: base; phrase memory of the present dialogue only",
    memory: "dialogue",
  },
  { ...BASE, name: "phrases", doc: "base; phrase memory of all that was said before, no training", memory: "own" },
  ADAPTER,
  MAIN,
  { ...MAIN, name: "retuned", doc: "adapt_prompt, trained again on what was said since", retunes: true },
  { ...ADAPTER, name: "zero_init", doc: "no warm start; adapted once", start: "zero" },
  { ...ADAPTER, name: "constant_rate", doc: "constant learning rate; adapted once", rate: "constant" },
  {
    ...ADAPTER,
    name: "half_novelty",
    doc: "half of the tokens, our selection; adapted once",
    budgetShare: 0.5,
  },
  {
    ...ADAPTER,
    name: "half_random",
    doc: "half of the tokens at random; adapted once",
    selection: "random",
    budgetShare: 0.5,
  },
  {
    ...ADAPTER,
    name: "half_fifo",
    doc: "the newest half of the tokens; adapted once",
    selection: "fifo",
    budgetShare: 0.5,
  },
  {
    ...ADAPTER,
    name: "meta_third",
    doc: "a third of the tokens at random; adapted once",
    selection: "random",
    budgetShare: 1 / 3,
  },
  {
    ...ADAPTER,
    name: "meta_sixth",
    doc: "a sixth of the tokens at random; adapted once",
    selection: "random",
    budgetShare: 1 / 6,
  },
];

/** Not trained for the writer at all: what the warm start alone does. */
export const WARM_START_ONLY = "warm_start";
/** The adapter (arm `no_retuning`, no prompt) of the next writer in the list. */
export const SWAPPED = "swapped";
/** Word 3-gram, against the general word 3-gram. */
export const TRIGRAM = "trigram";
