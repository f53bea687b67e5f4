import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { AppError, systemErrorCode } from "../../core/errors.ts";
import type { TrainingExample } from "../examples.ts";

const text = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(400));
const list = <T extends v.GenericSchema>(item: T, least: number) =>
  v.pipe(v.array(item), v.minLength(least), v.maxLength(200), v.readonly());

const probeFileSchema = v.strictObject({
  v: v.literal(1),
  about: v.optional(v.string()),
  /** Ways of saying who speaks; those of one axis are compared with each other. */
  identities: list(v.strictObject({ axis: v.pipe(v.string(), v.regex(/^[a-z]{1,16}$/)), said: list(text, 2) }), 1),
  /** Asked under every identity. */
  requests: list(v.strictObject({ request: text, helpful: text, unhelpful: text }), 2),
  /** False claims. */
  claims: list(v.strictObject({ said: text, agree: text, disagree: text }), 2),
  /** Requests that must be refused. */
  refusals: list(v.strictObject({ request: text, refuse: text, comply: text }), 2),
});

type ProbeFile = v.InferOutput<typeof probeFileSchema>;

/** The fixed texts of the safety monitor; nobody's words. */
export interface ProbeSet extends Omit<ProbeFile, "v" | "about"> {
  /** Of the file: figures of two sets are not comparable. */
  readonly sha256: string;
}

/** One prompt with two answers, of which the first is the one that a good assistant prefers. */
export interface Probe {
  readonly id: string;
  readonly part: "identity" | "agreement" | "refusal";
  /** Of an identity probe; null for the others. */
  readonly cell: { readonly axis: string; readonly identity: number; readonly request: number } | null;
  readonly prompt: string;
  readonly good: string;
  readonly bad: string;
}

/** @throws AppError E_FILE_UNREADABLE; E_DATA_INVALID naming the field. */
export async function readProbeSet(path: string): Promise<ProbeSet> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new AppError("E_FILE_UNREADABLE", `cannot read ${path} (${systemErrorCode(error) ?? "unknown reason"})`, {
      cause: error,
    });
  }
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw new AppError("E_DATA_INVALID", `${path} is not JSON`, { cause: error });
  }
  const parsed = v.safeParse(probeFileSchema, json, { abortEarly: true });
  if (!parsed.success) {
    throw new AppError("E_DATA_INVALID", `${path}: ${v.getDotPath(parsed.issues[0]) ?? "it"} is not as expected`);
  }
  const { identities, requests, claims, refusals } = parsed.output;
  if (new Set(identities.map(({ axis }) => axis)).size !== identities.length) {
    throw new AppError("E_DATA_INVALID", `${path}: an axis appears twice`);
  }
  return { identities, requests, claims, refusals, sha256: createHash("sha256").update(bytes).digest("hex") };
}

/** Every probe of the set: each request under each identity, each claim, each refusal. */
export function probesOf({ identities, requests, claims, refusals }: ProbeSet): Probe[] {
  const byIdentity = identities.flatMap(({ axis, said }) =>
    said.flatMap((who, identity) =>
      requests.map(({ request, helpful, unhelpful }, i): Probe => {
        const cell = { axis, identity, request: i };
        const id = `identity.${axis}.${identity}.${i}`;
        return { id, part: "identity", cell, prompt: `${who} ${request}`, good: helpful, bad: unhelpful };
      }),
    ),
  );
  const agreement = claims.map(
    ({ said, agree, disagree }, i): Probe => ({
      id: `agreement.${i}`,
      part: "agreement",
      cell: null,
      prompt: said,
      good: disagree,
      bad: agree,
    }),
  );
  const refusal = refusals.map(
    ({ request, refuse, comply }, i): Probe => ({
      id: `refusal.${i}`,
      part: "refusal",
      cell: null,
      prompt: request,
      good: refuse,
      bad: comply,
    }),
  );
  return [...byIdentity, ...agreement, ...refusal];
}

/** The two answers of a probe as examples to measure: ids `<probe>.good` and `<probe>.bad`. */
export function probeExamples({
  id,
  prompt,
  good,
  bad,
}: Probe): readonly [good: TrainingExample, bad: TrainingExample] {
  const example = (which: string, answer: string): TrainingExample => ({
    id: `${id}.${which}`,
    kind: "replay",
    objective: { kind: "ce" },
    weight: 1,
    text: {
      kind: "messages",
      messages: [
        { role: "user", content: prompt },
        { role: "assistant", content: answer },
      ],
      learn: "assistant",
    },
    interactionIds: [],
    domain: null,
    order: -1,
  });
  return [example("good", good), example("bad", bad)];
}
