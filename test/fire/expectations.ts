/** One exchange of a profile's export, as far as it is checked. */
export interface ExportedTurn {
  readonly id: string;
  readonly input: string;
  readonly signals: readonly { readonly kind: string; readonly correction: string | null }[];
}

/** What the device says about one profile after a start; null = it knows no such profile. */
export type Exported = readonly ExportedTurn[] | null;

type Certainty = "acknowledged" | "open";

interface ExpectedTurn {
  readonly profile: string;
  stored: Certainty;
  correction: { readonly text: string; certainty: Certainty } | null;
  deletion: Certainty | null;
}

/**
 * What the service has promised so far. An operation is *open* from the moment it was asked for until its answer came:
 * after a kill it may have happened or not, but never by half. Once answered it is *acknowledged* and must hold.
 */
export class Expectations {
  readonly #turns = new Map<string, ExpectedTurn>();
  readonly #forgotten = new Map<string, Certainty>();
  readonly #adapters = new Set<string | null>();
  #isAdapterKnown = false;

  /** A copy that can go its own way, for a copied state folder. */
  copy(): Expectations {
    const copy = new Expectations();
    for (const [input, turn] of this.#turns) copy.#turns.set(input, { ...turn });
    for (const entry of this.#forgotten) copy.#forgotten.set(...entry);
    for (const adapter of this.#adapters) copy.#adapters.add(adapter);
    copy.#isAdapterKnown = this.#isAdapterKnown;
    return copy;
  }

  /** @returns what to call when the answer has come. */
  turn(profile: string, input: string): () => void {
    const turn: ExpectedTurn = { profile, stored: "open", correction: null, deletion: null };
    this.#turns.set(input, turn);
    return () => {
      turn.stored = "acknowledged";
    };
  }

  correction(input: string, text: string): () => void {
    const correction = { text, certainty: "open" as Certainty };
    this.#known(input).correction = correction;
    return () => {
      correction.certainty = "acknowledged";
    };
  }

  deletion(input: string): () => void {
    const turn = this.#known(input);
    turn.deletion = "open";
    return () => {
      turn.deletion = "acknowledged";
    };
  }

  forgetting(profile: string): () => void {
    this.#forgotten.set(profile, "open");
    return () => this.#forgotten.set(profile, "acknowledged");
  }

  /** The adapter that is to answer from now on, besides the one that did. */
  adapter(version: string | null): () => void {
    this.#adapters.add(version);
    return () => this.adapterIs(version);
  }

  /** That one and no other. */
  adapterIs(version: string | null): void {
    this.#adapters.clear();
    this.#adapters.add(version);
    this.#isAdapterKnown = true;
  }

  /** Training may change it by itself from here on. */
  anyAdapter(): void {
    this.#isAdapterKnown = false;
    this.#adapters.clear();
  }

  /** Profiles whose export {@link check} wants. */
  get profiles(): readonly string[] {
    return [...new Set([...[...this.#turns.values()].map(({ profile }) => profile), ...this.#forgotten.keys()])];
  }

  /** Inputs of a profile's turns that must be there. */
  inputsOf(profile: string): readonly string[] {
    return [...this.#turns]
      .filter(([, turn]) => turn.profile === profile && turn.stored === "acknowledged" && turn.deletion === null)
      .map(([input]) => input);
  }

  /**
   * Compares with what is there after a start, one line per promise that does not hold. What was open is taken as it
   * was found, and must stay so.
   */
  check(exports: ReadonlyMap<string, Exported>, adapter: string | null): string[] {
    const problems: string[] = [];
    for (const [profile, certainty] of this.#forgotten) {
      const isThere = (exports.get(profile) ?? null) !== null;
      if (certainty === "acknowledged" && isThere) problems.push(`${profile} was forgotten and is there`);
      if (certainty === "open" && isThere) this.#forgotten.delete(profile);
      if (certainty === "open" && !isThere) this.#forgotten.set(profile, "acknowledged");
    }
    for (const [input, turn] of this.#turns) problems.push(...this.#checkTurn(input, turn, exports));
    if (this.#isAdapterKnown) {
      if (this.#adapters.has(adapter)) this.adapterIs(adapter);
      else problems.push(`adapter ${adapter ?? "none"} answers instead of ${[...this.#adapters].join(" or ")}`);
    }
    return problems;
  }

  #checkTurn(input: string, turn: ExpectedTurn, exports: ReadonlyMap<string, Exported>): string[] {
    const exported = exports.get(turn.profile) ?? null;
    if (exported === null) {
      if (this.#forgotten.get(turn.profile) === "acknowledged") return [];
      return [`profile ${turn.profile} is gone`];
    }
    const found = exported.filter((each) => each.input === input);
    if (found.length > 1) return [`a turn is there ${found.length} times`];
    const [row] = found;
    if (row === undefined) {
      if (turn.deletion !== null) {
        turn.deletion = "acknowledged"; // and must stay away
        return [];
      }
      if (turn.stored === "open") {
        this.#turns.delete(input);
        return [];
      }
      return [`an acknowledged turn of ${turn.profile} is gone`];
    }
    if (turn.deletion === "acknowledged") return [`${row.id} was deleted and is there`];
    turn.deletion = null;
    turn.stored = "acknowledged";
    return this.#checkCorrection(turn, row);
  }

  #checkCorrection(turn: ExpectedTurn, row: ExportedTurn): string[] {
    const { correction } = turn;
    if (correction === null) return [];
    const isThere = row.signals.some(({ kind, correction: text }) => kind === "correction" && text === correction.text);
    if (!isThere && correction.certainty === "acknowledged")
      return [`the acknowledged correction of ${row.id} is gone`];
    if (isThere) correction.certainty = "acknowledged";
    else turn.correction = null;
    return [];
  }

  #known(input: string): ExpectedTurn {
    const turn = this.#turns.get(input);
    if (turn === undefined) throw new Error("that turn was never expected");
    return turn;
  }
}
