/** What `api/me` gives: user text, from the device to its own page and nowhere else. */
export interface MyData {
  readonly profile: {
    readonly id: string;
    readonly label: string | null;
    readonly interaction_count: number;
    readonly consent: { readonly store: boolean; readonly train: boolean; readonly telemetry: boolean };
  };
  readonly facts: readonly MyFact[];
}

export interface MyFact {
  readonly id: string;
  readonly kind: string;
  readonly statement: string;
  readonly value: string;
  readonly source: { readonly input: string; readonly at: string } | null;
}

export interface MyInteraction {
  readonly id: string;
  readonly at: string;
  readonly input: string;
  readonly answer: string;
  readonly signals: readonly { readonly kind: string; readonly correction: string | null }[];
  /** Statements of the facts that were learned from it. */
  readonly facts: readonly string[];
  /** Adapters that were trained on it and still exist. */
  readonly trained_into: readonly string[];
}

/** Newest first. */
export interface MyInteractions {
  readonly interactions: readonly MyInteraction[];
  readonly has_more: boolean;
}

export const SIGNALS: Readonly<Record<string, string>> = {
  thumb_up: "You liked the answer",
  thumb_down: "You disliked the answer",
  praise: "You praised the answer",
  complaint: "You complained about the answer",
  correction: "You corrected it",
  rephrase: "You asked again in other words",
  barge_in: "You interrupted it",
  stop: "You stopped it",
  repeat_request: "You asked it to say it again",
  follow_up: "You went on with the topic",
  task_done: "It did what you asked",
};
