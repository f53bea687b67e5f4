/** One way to personalise, as data. */
export interface Arm {
  readonly name: string;
  readonly doc: string;
  /** Weights change; false = the base as it is. */
  readonly adapts: boolean;
  /** What stands in front of the dialogue: nothing, what the writer talks about, or similar earlier exchanges. */
  readonly prompt: "none" | "profile" | "retrieval";
  readonly start: "meta" | "zero";
  readonly selection: "novelty" | "fifo" | "random";
  /** Share of the writer's training tokens that may be trained on, (0, 1]. */
  readonly budgetShare: number;
  readonly rate: "adaptive" | "constant";
  /** Trains again on test dialogues once they have been measured, block by block. */
  readonly retunes: boolean;
}

const MAIN: Arm = {
  name: "adapt_prompt",
  doc: "adapter and retrieval, trained again on what was said since",
  adapts: true,
  prompt: "retrieval",
  start: "meta",
  selection: "novelty",
  budgetShare: 1,
  rate: "adaptive",
  retunes: true,
};

/** Every arm differs from `adapt_prompt` or from `half_novelty` by one thing. */
export const ARMS: readonly Arm[] = [
  { ...MAIN, name: "base", doc: "the base as it is", adapts: false, prompt: "none", retunes: false },
  {
    ...MAIN,
    name: "profile_prompt",
    doc: "base; what the writer talks about in the system message",
    adapts: false,
    prompt: "profile",
    retunes: false,
  },
  { ...MAIN, name: "retrieval", doc: "base; similar earlier exchanges in the prompt", adapts: false, retunes: false },
  { ...MAIN, name: "no_retuning", doc: "adapted once and never again", retunes: false },
  MAIN,
  { ...MAIN, name: "adapt_only", doc: "no retrieval", prompt: "none" },
  { ...MAIN, name: "zero_init", doc: "no warm start; adapted once", start: "zero", retunes: false },
  { ...MAIN, name: "constant_rate", doc: "constant learning rate; adapted once", rate: "constant", retunes: false },
  {
    ...MAIN,
    name: "half_novelty",
    doc: "half of the tokens, our selection; adapted once",
    budgetShare: 0.5,
    retunes: false,
  },
  {
    ...MAIN,
    name: "half_random",
    doc: "half of the tokens at random; adapted once",
    selection: "random",
    budgetShare: 0.5,
    retunes: false,
  },
  {
    ...MAIN,
    name: "half_fifo",
    doc: "the newest half of the tokens; adapted once",
    selection: "fifo",
    budgetShare: 0.5,
    retunes: false,
  },
  {
    ...MAIN,
    name: "meta_third",
    doc: "a third of the tokens at random; adapted once",
    selection: "random",
    budgetShare: 1 / 3,
    retunes: false,
  },
  {
    ...MAIN,
    name: "meta_sixth",
    doc: "a sixth of the tokens at random; adapted once",
    selection: "random",
    budgetShare: 1 / 6,
    retunes: false,
  },
];

/** Not trained for the writer at all: what the warm start alone does. */
export const WARM_START_ONLY = "warm_start";
/** The adapter (arm `no_retuning`, no prompt) of the next writer in the list. */
export const SWAPPED = "swapped";
/** Word 3-gram, against the general word 3-gram. */
export const TRIGRAM = "trigram";
