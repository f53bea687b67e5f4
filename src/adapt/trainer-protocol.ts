import * as v from "valibot";
import { AppError } from "../core/errors.ts";
import type {
  BackendProbe,
  TrainerCheckpoint,
  TrainerExampleResult,
  TrainerJob,
  TrainerMetrics,
  TrainerPlan,
  TrainerProgress,
} from "./ports.ts";
import { messageSchema, protocolTable } from "./protocol-table.ts";

/** What the service tells the trainer. */
export type ParentMessage =
  | { readonly type: "start"; readonly job: TrainerJob }
  | { readonly type: "limits"; readonly threads?: number; readonly duty?: number }
  | { readonly type: "rate"; readonly lr: number }
  | { readonly type: "pause" | "resume" | "checkpoint" | "stop" };

/** What the trainer tells the service. */
export type ChildMessage =
  | {
      readonly type: "hello";
      readonly protocol: number;
      readonly version: string;
      /** llama.cpp release it was compiled with. */
      readonly ggmlTag: string;
      readonly backends: readonly string[];
      readonly pid: number;
    }
  | ({ readonly type: "plan" } & TrainerPlan)
  | ({ readonly type: "progress" } & TrainerProgress)
  | { readonly type: "paused"; readonly step: number }
  | { readonly type: "resumed"; readonly step: number }
  | ({ readonly type: "checkpoint" } & TrainerCheckpoint)
  | {
      readonly type: "heartbeat";
      readonly step: number;
      readonly state: "waiting" | "loading" | "running" | "paused" | "finishing";
      readonly rssMb: number;
    }
  | ({ readonly type: "result" } & TrainerExampleResult)
  | ({ readonly type: "probe" } & BackendProbe)
  | {
      readonly type: "done";
      readonly path: string | null;
      readonly sha256: string | null;
      readonly stopped: boolean;
      readonly metrics: TrainerMetrics;
    }
  | { readonly type: "error"; readonly code: string; readonly message: string; readonly retryable: boolean };

type Schema = NonNullable<ReturnType<typeof messageSchema>>;
const schemas = new Map<string, Schema>();

/**
 * The line for one message, newline included.
 * @throws AppError E_TRAINER_USAGE naming the field that the table does not allow: a wrong option of a job, not a defect.
 */
export function encodeParentMessage(message: ParentMessage): string {
  const wire = { v: protocolTable.version, ...snakeKeys(message) };
  const issue = firstIssue("parent", message.type, wire);
  if (issue !== undefined)
    throw new AppError("E_TRAINER_USAGE", `the trainer does not take this ${message.type}: ${issue}`);
  return `${JSON.stringify(wire)}\n`;
}

/**
 * The message on one line of the trainer.
 * @throws AppError E_TRAINER_PROTOCOL: not JSON, another version, unknown message, or a field against the table.
 */
export function decodeChildLine(line: string): ChildMessage {
  let wire: unknown;
  try {
    wire = JSON.parse(line);
  } catch (error) {
    throw new AppError("E_TRAINER_PROTOCOL", "the trainer sent a line that is not JSON", { cause: error });
  }
  const { v: version, type } = v.parse(envelope, wire, { message: "no message" });
  if (type === "hello" && version !== protocolTable.version) {
    throw new AppError(
      "E_TRAINER_PROTOCOL",
      `the trainer speaks protocol ${version}, we speak ${protocolTable.version}`,
      {
        details: { ours: protocolTable.version, theirs: version },
      },
    );
  }
  const issue = firstIssue("child", type, wire);
  if (issue !== undefined) throw new AppError("E_TRAINER_PROTOCOL", `bad message ${type} from the trainer: ${issue}`);
  // The table checked every field and nothing else can be in it; the unit test holds table and type together.
  const { v: _version, ...fields } = camelKeys(wire) as Record<string, unknown>;
  return fields as ChildMessage;
}

/** Unreadable as a message at all: version 0 and an unknown type, which `firstIssue` then names. */
const envelope = v.fallback(v.object({ v: v.number(), type: v.pipe(v.string(), v.maxLength(40)) }), {
  v: 0,
  type: "without v and type",
});

function firstIssue(direction: "parent" | "child", type: string, wire: unknown): string | undefined {
  const key = `${direction} ${type}`;
  const schema = schemas.get(key) ?? messageSchema(direction, type);
  if (!schema) return "no such message";
  schemas.set(key, schema);
  const result = v.safeParse(schema, wire, { abortEarly: true });
  if (result.success) return undefined;
  const [issue] = result.issues;
  // The path and what was expected, never the value: it may come from a user's file.
  return `${v.getDotPath(issue) ?? "message"} ${complaint(issue)}`;
}

function complaint(issue: v.BaseIssue<unknown>): string {
  if (issue.expected === "never") return "is unknown";
  if (issue.received === "undefined") return "is missing";
  return issue.expected === null ? issue.message : `is not ${issue.expected}`;
}

/** Keys of objects at any depth from `everySteps` to `every_steps`. */
export function snakeKeys(value: object): Record<string, unknown> {
  return mapKeys(value, (key) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)) as Record<
    string,
    unknown
  >;
}

/** Keys of objects at any depth from `every_steps` to `everySteps`. */
function camelKeys(value: unknown): unknown {
  return mapKeys(value, (key) => key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()));
}

function mapKeys(value: unknown, rename: (key: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => mapKeys(item, rename));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [rename(key), mapKeys(item, rename)]));
}
