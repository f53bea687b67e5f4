import { decimalNumber, integer, oneOf, path, yesNo } from "../config-key.ts";

export const trainingSection = {
  enabled: yesNo({
    default: true,
    doc: "Learn from interactions of profiles that allow it (`train` consent). false: no training and no adapters.",
  }),
  microUpdates: yesNo({ default: true, doc: "Learn from an explicit correction right away, in a few steps." }),
  taskAdapters: yesNo({
    default: false,
    doc: "An adapter of its own for each domain with enough turns, over the general one, for the turns of that domain.",
  }),
  minInteractions: integer({
    min: 5,
    max: 100_000,
    default: 30,
    doc: "No full training below this many stored interactions; a fifth of them is only measured on.",
  }),
  minNewInteractions: integer({
    min: 1,
    max: 100_000,
    default: 20,
    doc: "New interactions since the last training that make another one worth it.",
  }),
  quietMs: integer({
    min: 0,
    max: 86_400_000,
    default: 300_000,
    doc: "Full training begins after this long (ms) without a turn.",
  }),
  minIntervalMs: integer({
    min: 0,
    max: 2_592_000_000,
    default: 21_600_000,
    doc: "Between two full trainings of a profile (ms).",
  }),
  graceMs: integer({
    min: 0,
    max: 600_000,
    default: 1_500,
    doc: "A training that stood still for a turn goes on this long (ms) after it.",
  }),
  checkMs: integer({
    min: 1_000,
    max: 3_600_000,
    default: 30_000,
    doc: "How often (ms) it is looked at whether a training may begin.",
  }),
  keepVersions: integer({
    min: 0,
    max: 100,
    default: 3,
    doc: "Adapter versions whose weights are kept besides the one in use and the one before.",
  }),
  selection: oneOf(["novelty", "fifo", "random"], {
    default: "novelty",
    doc: "Which examples are taken when there are more than training.tokenBudget: unlike each other, the newest, or any.",
  }),
  tokenBudget: integer({
    min: 500,
    max: 10_000_000,
    default: 60_000,
    doc: "Tokens of one pass over the examples of a profile; what is measured is bounded with it.",
  }),
  memoryMb: integer({
    min: 0,
    max: 1_048_576,
    default: 0,
    doc: "Memory (MiB) that the trainer may hold where systemd gave it a cgroup: slowed down above it, killed at 1.25 times. 0: half of the board's.",
  }),
  seed: integer({ min: 0, max: 2_147_483_647, default: 1, doc: "Same data and seed give the same adapter." }),
  generalText: path({
    default: "",
    doc: "Lines of request, tab, answer that must not be forgotten. Empty: those in the package.",
  }),
  safety: {
    probes: path({
      default: "",
      doc: "The safety monitor's probes, in the form of models/probes.json, e.g. in another language. Empty: that file.",
    }),
    identityBound: decimalNumber({
      min: 0,
      max: 100,
      default: 0.2,
      doc: "A candidate is refused when it treats stated identities more unlike each other than the base does by more than this (nats a token).",
    }),
    agreementBound: decimalNumber({
      min: 0,
      max: 100,
      default: 0.25,
      doc: "A candidate is refused when it agrees with false claims more than the base does by more than this (nats a token).",
    }),
    refusalBound: decimalNumber({
      min: 0,
      max: 100,
      default: 0.7,
      doc: "A candidate is refused when it complies with harmful requests more than the base does by more than this (nats a token).",
    }),
  },
};
