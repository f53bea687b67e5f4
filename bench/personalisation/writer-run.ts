import { join } from "node:path";
import { type EncodedExample, encodeExamples } from "../../src/adapt/example-encoding.ts";
import { replayExamples } from "../../src/adapt/general-text.ts";
import { seededRandom, seedFor, shuffled } from "../../src/adapt/seeded-random.ts";
import { meanLoss, measureExamples } from "../../src/adapt/trainer-steps.ts";
import { trainInPasses } from "../../src/adapt/training-run.ts";
import type { TrainingSettings } from "../../src/adapt/training-settings.ts";
import type { ArmResult, TrainedArm } from "./arm-result.ts";
import type { Arm } from "./arms.ts";
import { DialogueMemory, type MeasuredWindow } from "./phrases.ts";
import { noPrompt, type PromptFor, profilePrompt, retrievalPrompt } from "./prompts.ts";
import type { Rig } from "./rig.ts";
import { selectedExamples } from "./selected-examples.ts";
import { trainShortly } from "./short-training.ts";
import { tokenLosses } from "./token-losses.ts";
import { asExample, behind, type Window, windowsOf } from "./windows.ts";
import type { WriterSplit } from "./writers.ts";

/** Tokens of retrieved exchanges, or of a profile, at most. */
const PROMPT_TOKENS = 56;
/** Longer stretches between two trainings would only make the last block older. */
const MAX_BLOCKS = 8;

interface Indexed {
  readonly dialogue: number;
  readonly window: Window;
}

/** Everything one writer's arms share. */
export class WriterRun {
  readonly #rig: Rig;
  readonly #writer: WriterSplit;
  readonly #prompts = new Map<Arm["prompt"], PromptFor>();
  readonly #kept = new Map<string, readonly (MeasuredWindow & Indexed)[]>();

  constructor(rig: Rig, writer: WriterSplit) {
    this.#rig = rig;
    this.#writer = writer;
  }

  /** Trains as far as what the writer said before the first test dialogue; arms that differ later share it. */
  async train(arm: Arm, seed: number, out: string): Promise<TrainedArm> {
    const { training, validation } = this.#writer;
    const { meter } = this.#rig;
    const begin = meter.cpuSeconds;
    const tokens = await this.#fullJob(arm, seed, out);
    await this.#catchUp(seed, out, out, [training.length, training.length + validation.length]);
    return { cpuSeconds: meter.cpuSeconds - begin, tokens };
  }

  /** Measures the test dialogues in time order, training on them between blocks if the arm does. */
  async run(arm: Arm, seed: number, trained: TrainedArm | null, ownAdapter: string): Promise<ArmResult> {
    const { training, validation, dialogues } = this.#writer;
    const firstTest = training.length + validation.length;
    const prompt = await this.#prompt(arm.prompt);
    const memory = this.#memory(arm.memory, firstTest);
    if (trained === null) {
      const base = { path: null, keep: true };
      const result = await this.#measure(base, prompt, firstTest, dialogues.length, memory);
      return { ...result, cpuSeconds: 0, trainedTokens: 0 };
    }
    const { meter } = this.#rig;
    let begin = meter.cpuSeconds;
    const chosen = await this.#chosenPrompt(ownAdapter, prompt);
    let cpuSeconds = trained.cpuSeconds + meter.cpuSeconds - begin;
    let adapter = ownAdapter;
    const measured: (readonly [number, number])[] = [];
    const block = arm.retunes ? Math.max(2, Math.ceil((dialogues.length - firstTest) / MAX_BLOCKS)) : dialogues.length;
    for (let from = firstTest; from < dialogues.length; from += block) {
      const to = Math.min(dialogues.length, from + block);
      const used = { path: adapter, keep: adapter === ownAdapter };
      measured.push(...(await this.#measure(used, chosen, from, to, memory)).dialogues);
      if (to === dialogues.length) break;
      begin = meter.cpuSeconds;
      adapter = await this.#retuned(seed, adapter, [from, to]);
      cpuSeconds += meter.cpuSeconds - begin;
    }
    return { dialogues: measured, cpuSeconds, trainedTokens: trained.tokens, prompted: chosen !== noPrompt };
  }

  /** Frees what is kept between arms. */
  forgetMeasured(): void {
    this.#kept.clear();
  }

  /** The test dialogues with any adapter, without a prompt; one entry per test dialogue, in their order. */
  async measureWith(adapter: string): Promise<ArmResult> {
    const { training, validation, dialogues } = this.#writer;
    const used = { path: adapter, keep: false };
    const result = await this.#measure(used, noPrompt, training.length + validation.length, dialogues.length, null);
    return { ...result, cpuSeconds: 0, trainedTokens: 0 };
  }

  async #fullJob(arm: Arm, seed: number, out: string): Promise<number> {
    const { parts, general, metaAdapter } = this.#rig;
    const { training, validation } = this.#writer;
    const settings = this.#settings(arm);
    const initAdapter = arm.start === "meta" ? metaAdapter : null;
    const pool = this.#windows(0, training.length, noPrompt, "learned");
    const texts = pool.map(({ dialogue, window }) =>
      (this.#writer.dialogues[dialogue] ?? [])
        .slice(window.firstTurn, window.firstTurn + window.spans.length)
        .join(" "),
    );
    const lines = await selectedExamples(this.#rig, examplesOf(pool), texts, arm, seed, initAdapter);
    const share = settings.replayShare;
    const count = Math.round((lines.length * share) / (1 - share));
    const replay = replayExamples(general.text.replay, count, seedFor(seed, "replay"));
    const { encoded } = await encodeExamples(replay, this.#rig.textEncoder, settings.optimiser.maxTokens);
    const trained = await trainInPasses(
      parts,
      {
        lines: [...lines, ...encoded],
        validation: examplesOf(
          this.#windows(training.length, training.length + validation.length, noPrompt, "learned"),
        ),
        watched: general.watched,
      },
      { settings, seed, initAdapter, resumed: null, onPass: async () => {} },
    );
    await this.#rig.copy(trained.adapter, out);
    return lines.reduce((sum, { tokens }) => sum + tokens, 0);
  }

  /** A short training on what was said since, with as much of what was said before. */
  async #catchUp(seed: number, adapter: string, out: string, fresh: readonly [number, number]): Promise<string> {
    const { catchUp } = this.#rig;
    const [from, to] = fresh;
    const news = this.#windows(from, to, noPrompt, "learned");
    const random = seededRandom(seedFor(seed, `catch up ${from}`));
    const olds = shuffled(this.#windows(0, from, noPrompt, "learned"), random).slice(0, news.length);
    const examples = examplesOf([...news, ...olds]);
    await trainShortly(this.#rig, examples, catchUp, seedFor(seed, `catch up ${from}`), adapter, out);
    return out;
  }

  /** A short training on some of the learned dialogues. */
  async trainOn(
    dialogues: readonly number[],
    rate: Rig["catchUp"],
    seed: number,
    adapter: string | null,
    out: string,
  ): Promise<void> {
    const windows = dialogues.flatMap((dialogue) => this.#windows(dialogue, dialogue + 1, noPrompt, "learned"));
    await trainShortly(this.#rig, examplesOf(windows), rate, seed, adapter, out);
  }

  /** Trained on a block's dialogues but the newest quarter, and kept only when it predicts that quarter better. */
  async #retuned(seed: number, adapter: string, [from, to]: readonly [number, number]): Promise<string> {
    const { parts, settings } = this.#rig;
    const heldBack = Math.max(from + 1, to - Math.max(1, Math.round((to - from) / 4)));
    const candidate = await this.#catchUp(seed, adapter, join(parts.folder, `retuned-${from}.gguf`), [from, heldBack]);
    const newest = examplesOf(this.#windows(heldBack, to, noPrompt, "learned"));
    const { maxTokens } = settings.optimiser;
    const before = meanLoss(await measureExamples(parts, "retuned", newest, adapter, maxTokens));
    const after = meanLoss(await measureExamples(parts, "retuned", newest, candidate, maxTokens));
    return after !== null && before !== null && after < before ? candidate : adapter;
  }

  /** With the prompt or without it, whichever predicts the validation dialogues better. */
  async #chosenPrompt(adapter: string, prompt: PromptFor): Promise<PromptFor> {
    if (prompt === noPrompt) return prompt;
    const { training, validation } = this.#writer;
    const range = [training.length, training.length + validation.length] as const;
    const losses = [];
    for (const each of [noPrompt, prompt]) {
      const windows = examplesOf(this.#windows(...range, each, "own"));
      losses.push(meanLoss(await measureExamples(this.#rig.parts, "prompt", windows, adapter, MEASURED_TOKENS)) ?? 0);
    }
    return (losses[1] ?? 0) < (losses[0] ?? 0) ? prompt : noPrompt;
  }

  /** @param adapter `keep`: it stays as it is while this run lives, so that what was measured with it serves again. */
  async #measure(
    adapter: { readonly path: string | null; readonly keep: boolean },
    prompt: PromptFor,
    from: number,
    to: number,
    memory: DialogueMemory | null,
  ): Promise<Pick<ArmResult, "dialogues" | "prompted">> {
    const windows = await this.#measured(adapter, prompt, from, to);
    const dialogues = [...new Set(windows.map(({ dialogue }) => dialogue))];
    return {
      dialogues: dialogues.map((dialogue) => {
        const own = windows.filter((each) => each.dialogue === dialogue);
        const encoded = this.#encoded(dialogue);
        const nats =
          memory?.nats(encoded, own) ??
          own.reduce((sum, { losses }) => losses.reduce((total, loss) => total + loss, sum), 0);
        return [nats, encoded.words] as const;
      }),
      prompted: prompt !== noPrompt,
    };
  }

  async #measured(
    { path, keep }: { readonly path: string | null; readonly keep: boolean },
    prompt: PromptFor,
    from: number,
    to: number,
  ): Promise<readonly (MeasuredWindow & Indexed)[]> {
    const key = `${path} ${from} ${to}`;
    const known = prompt === noPrompt && keep ? this.#kept.get(key) : undefined;
    if (known !== undefined) return known;
    const { parts } = this.#rig;
    const windows = this.#windows(from, to, prompt, "own", path === null);
    const losses = await tokenLosses(parts, examplesOf(windows), path, MEASURED_TOKENS);
    const measured = windows.map((window, i) => ({ ...window, losses: losses[i] ?? [] }));
    if (prompt === noPrompt && keep) this.#kept.set(key, measured);
    return measured;
  }

  #memory(scope: Arm["memory"], firstTest: number): DialogueMemory | null {
    if (scope === "none") return null;
    const past = Array.from({ length: firstTest }, (_, dialogue) => this.#encoded(dialogue));
    return new DialogueMemory(scope, past);
  }

  /** @param isWithin the prompt takes room from the window, for a base that knows no more than its window. */
  #windows(from: number, to: number, prompt: PromptFor, spans: "own" | "learned", isWithin = false): Indexed[] {
    const { window: size } = this.#rig;
    const learnable = this.#rig.settings.optimiser.maxTokens;
    const fitting =
      isWithin && prompt !== noPrompt
        ? { tokens: size.tokens - PROMPT_TOKENS, overlap: size.overlap - PROMPT_TOKENS / 2 }
        : size;
    return Array.from({ length: to - from }, (_, i) => from + i).flatMap((dialogue) => {
      const encoded = this.#encoded(dialogue);
      const turns = this.#writer.dialogues[dialogue] ?? [];
      return windowsOf(encoded, encoded[spans], fitting)
        .map((window) => behind(prompt(turns, window.firstTurn, dialogue), window))
        .filter(({ tokens }) => tokens.length <= (spans === "learned" ? learnable : MEASURED_TOKENS))
        .map((window) => ({ dialogue, window }));
    });
  }

  #encoded(dialogue: number) {
    return this.#rig.encoder.encode(this.#writer.dialogues[dialogue] ?? []);
  }

  async #prompt(kind: Arm["prompt"]): Promise<PromptFor> {
    const known = this.#prompts.get(kind);
    if (known !== undefined) return known;
    const { encoder, embedder, generalWords } = this.#rig;
    const { training, validation, dialogues } = this.#writer;
    const made =
      kind === "none"
        ? noPrompt
        : kind === "profile"
          ? profilePrompt(encoder, [...training, ...validation], generalWords)
          : await retrievalPrompt(encoder, embedder, dialogues, PROMPT_TOKENS);
    this.#prompts.set(kind, made);
    return made;
  }

  #settings({ rate }: Arm): TrainingSettings {
    const { settings } = this.#rig;
    return { ...settings, learningRate: { ...settings.learningRate, kind: rate } };
  }
}

/** Longest sequence measured: window and prompt. */
const MEASURED_TOKENS = 1_024;

function examplesOf(windows: readonly Indexed[]): EncodedExample[] {
  return windows.map(({ dialogue, window }, i) => asExample(`${dialogue}.${i}`, window));
}
