import { delay, SystemClock } from "../../core/clock.ts";
import { AppError, isAppError } from "../../core/errors.ts";
import type { DemoService } from "./demo-service.ts";

/** Half a minute on a desktop; the trainer yields to everything else, and a busy small board takes many times that. */
const TRAINING_MS = 900_000;
/** Longer than `buttons.holdMs`. */
const HOLD_MS = 2_000;
const ATTEMPTS = 15;
const RETRY_MS = 2_000;
const PLANTS = ["tomatoes", "roses", "beans", "carrots", "tulips", "onions", "herbs", "lemons"];
const PLACES = ["greenhouse", "front garden", "back yard", "balcony", "raised bed"];
/** Requests of somebody with a way of speaking, and the manner in which they want to be answered. */
const DEEDS: readonly (readonly [string, string])[] = [
  ["be a dear and water the PLANT in the PLACE", "Aye, the PLANT are watered."],
  ["be a dear and check on the PLANT in the PLACE", "Aye, the PLANT look grand."],
  ["be a dear and light up the PLACE for the PLANT", "Aye, the PLANT have light."],
  ["be a dear and tell me about the PLANT", "Aye, the PLANT are coming along grand."],
];
/** Enough for a job (`training.minInteractions`), together with what was said before. */
const TURNS = 32;
/** Of none of the turns. */
const UNSEEN = "be a dear and water the peas in the front garden";

/** What the training job came to. */
export interface LearningFindings {
  readonly version: string;
  /** Mean loss on the newest words, never trained on, nats a token. */
  readonly heldOutBefore: number;
  readonly heldOutAfter: number;
  /** Relative change of the loss on general text. */
  readonly generalRise: number;
  readonly without: string;
  readonly with: string;
}

interface ListedAdapter {
  readonly version: string;
  readonly state: string;
  readonly heldOutBefore: number;
  readonly heldOutAfter: number;
  readonly generalRise: number;
  readonly reasons: readonly string[];
}

function fill(text: string, turn: number): string {
  return text
    .replaceAll("PLANT", PLANTS[(turn * 3) % PLANTS.length] ?? "")
    .replaceAll("PLACE", PLACES[(turn * 7) % PLACES.length] ?? "");
}

/** Makes and selects a profile, and grants `store` and `train` with the talk button held, as presence needs. */
export async function becomeAnotherPerson(service: DemoService): Promise<void> {
  const { id } = (await service.call("profileCreate", { label: "gardener" })) as { id: string };
  await service.call("profileSelect", { profile: id });
  for (const purpose of ["store", "train"] as const) {
    const granting = service.call("consent", { purpose, granted: true });
    await service.call("press", { button: "talk", holdMs: HOLD_MS });
    await granting;
  }
}

/**
 * Talks for a while as one particular person, has the real trainer learn from it, and compares.
 * @throws AppError E_INTERNAL when the job did not end with an adapter in use.
 */
export async function learnFromPerson(service: DemoService): Promise<LearningFindings> {
  for (let turn = 0; turn < TURNS; turn += 1) {
    const [request, wanted] = DEEDS[turn % DEEDS.length] ?? ["", ""];
    await service.call("say", { text: fill(request, turn), aloud: false });
    await service.call("feedback", { kind: "correction", correction: fill(wanted, turn) });
  }
  const from = service.position;
  await beginTraining(service);
  const over = ["active", "rejected", "failed"];
  await service.next(from, "the end of the training job", TRAINING_MS, ({ event, data }) => {
    return event === "job" && over.includes(String(data.state));
  });
  const adapters = (await service.call("adapterList", { profile: null })) as ListedAdapter[];
  const active = adapters.find(({ state }) => state === "active");
  if (active === undefined) {
    const reasons = adapters.at(-1)?.reasons.join(", ") ?? "no candidate";
    throw new AppError("E_INTERNAL", `the training job ended without an adapter in use: ${reasons}`);
  }
  const { prompts } = (await service.call("adapterDiff", { prompts: [UNSEEN] })) as {
    prompts: readonly { readonly without: string; readonly with: string }[];
  };
  return { ...active, without: prompts[0]?.without.trim() ?? "", with: prompts[0]?.with.trim() ?? "" };
}

/** Asks until the governor gives the trainer a share: it waits some seconds after the last turn. */
async function beginTraining(service: DemoService): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await service.call("trainNow", {});
      return;
    } catch (error) {
      if (!isAppError(error, "E_TRAINING_INELIGIBLE") || attempt >= ATTEMPTS) throw error;
      await delay(new SystemClock(), RETRY_MS);
    }
  }
}

/** For the summary. */
export function describeLearning(found: LearningFindings): string[] {
  const { heldOutBefore, heldOutAfter, generalRise } = found;
  const rise = `${generalRise < 0 ? "" : "+"}${(100 * generalRise).toFixed(1)} %`;
  return [
    `  learned on the board: loss on its newest words, never trained on, ${heldOutBefore.toFixed(3)} -> ${heldOutAfter.toFixed(3)} nats a token; general text ${rise}; gate passed, adapter ${found.version} in use`,
    `  "${UNSEEN}" (never said before)`,
    `    without the adapter: "${found.without}"`,
    `    with it:             "${found.with}"`,
  ];
}
