import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/logger.ts";
import type { AslsConfig } from "../config/schema.ts";
import type { TopicSource } from "./event-stream.ts";

/** What the present user can see and do with what is stored about them. JSON with snake_case names; user text. */
export interface OwnData {
  /** The active profile and its facts. */
  summary(): Promise<object>;
  /** Newest first: `limit` of them after the `from` newest. */
  interactions(from: number, limit: number): Promise<object>;
  /** @throws AppError E_FACT_UNKNOWN, E_CONSENT_MISSING. */
  editFact(factId: string, change: { readonly statement: string; readonly value: string }): Promise<object>;
  /** @throws AppError E_FACT_UNKNOWN. */
  deleteFact(factId: string): Promise<object>;
  /** @throws AppError E_INTERACTION_UNKNOWN. */
  deleteInteraction(interactionId: string): Promise<object>;
  /** As `asls profile export` gives it. */
  export(): Promise<object>;
  /** @param profileId has to be the active profile's. @throws AppError E_PROFILE_UNKNOWN. */
  forget(profileId: string): Promise<object>;
}

export interface HealthReport {
  readonly healthy: boolean;
  /** Parts that do not answer. */
  readonly failing: readonly string[];
  /** Codes of standing alerts. */
  readonly alerts: readonly string[];
}

export interface DashboardDeps {
  readonly deviceId: string;
  readonly baseTopic: string;
  readonly topics: TopicSource;
  /** Answers a request of the contract, as it would be answered over MQTT. Never rejects. */
  request(verb: string, payload: Uint8Array): Promise<string>;
  health(): Promise<HealthReport>;
  readonly ownData: OwnData;
  readonly clock: Clock;
  readonly log: Logger;
}

export type DashboardConfig = AslsConfig["dashboard"];
