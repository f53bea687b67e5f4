import type { ConsentPurpose } from "./ports.ts";

/** What a person is told about one purpose before they decide. */
export interface PurposeWording {
  /** As a heading. */
  readonly title: string;
  /** What it is for. */
  readonly use: string;
  /** What is kept, and where. */
  readonly kept: string;
  /** What happens without it. */
  readonly without: string;
}

export interface ConsentWording {
  /** Rises with every change of the words; `test/unit/profile/consent-wording.test.ts` holds each version to its hash. */
  readonly version: number;
  readonly purposes: Readonly<Record<ConsentPurpose, PurposeWording>>;
  /** Asked aloud, one after the other; the second only after a yes to the first. */
  readonly questions: Readonly<Record<AskedPurpose, string>>;
}

/** Purposes that the device asks about by itself. The others are off until somebody asks for them. */
export type AskedPurpose = "store" | "train";

/** The words that consent is given to; the ledger names their version. */
export const CONSENT_WORDING: ConsentWording = {
  version: 1,
  purposes: {
    answer: {
      title: "Answering",
      use: "What you say is turned into text and answered, on this device.",
      kept: "Nothing is kept. The last few turns stay in memory for ten minutes, so that you can refer to them.",
      without: "The device does not answer; it only listens for your permission to answer again.",
    },
    store: {
      title: "Remembering",
      use: "What you ask, what you are answered and what you say about yourself is used in later answers to you.",
      kept:
        "Text, feedback and facts, encrypted on this device with a key of your own. No sound is kept, and phone numbers, " +
        "e-mail and street addresses, card, account and identity numbers are cut out before anything is written. You can see, " +
        "correct, take along and erase all of it.",
      without: "You are answered all the same, and everything is forgotten at once.",
    },
    train: {
      title: "Learning",
      use: "What is remembered also trains a small addition to the language model, here, while nobody talks.",
      kept:
        "The addition, encrypted on this device with your key. Deleting a turn takes what was learned from it out of use and " +
        "has it trained again without.",
      without: "Your words may be remembered, but the language model stays as it was delivered.",
    },
    telemetry: {
      title: "Figures about use",
      use: "Counts and durations of your turns are published to the home's broker, never words.",
      kept: "Whatever the broker keeps, outside of this device.",
      without: "No figures about you are published.",
    },
    speaker: {
      title: "Knowing your voice",
      use: "Your voice tells you apart from others, so that a guest's words are not taken for yours.",
      kept: "A voice print (a list of numbers), encrypted on this device with your key. It cannot be played back.",
      without: "Whoever speaks is taken for the person whose profile is in use.",
    },
  },
  questions: {
    store:
      "Before we go on: I have kept nothing of what you said. I can remember what you ask and what you tell me, to answer " +
      "you better. It stays on this device, encrypted, and you can see it or erase it at any time. If you say no, I answer " +
      "all the same and forget at once. May I remember what you say? Say yes or no, whichever you like.",
    train:
      "Thank you, I will. One more thing. May I also learn from it? While nobody talks, I would then adapt my language model " +
      "to you, on this device; nothing of it leaves the house. Say yes or no, whichever you like.",
  },
};
