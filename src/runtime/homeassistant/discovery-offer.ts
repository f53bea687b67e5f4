import type { Clock } from "../../core/clock.ts";
import type { MqttMessage } from "../mqtt/mqtt-client.ts";
import type { StatusPublisher } from "../mqtt/status-publisher.ts";
import { birthTopic, type DiscoveryFacts, discoveryConfig, discoveryTopic } from "./discovery.ts";

export interface DiscoverySettings {
  /** `mqtt.discovery`; false deletes what an earlier run announced. */
  readonly discovery: boolean;
  readonly discoveryPrefix: string;
}

/** Between Home Assistant's birth and our answer, ms; a fleet spreads over it. */
const OFFER_AFTER_MS = { least: 500, spread: 9_500 };

/**
 * Announces the device to Home Assistant, and again, with all states, whenever Home Assistant has started: until then its
 * entities are unavailable.
 */
export class DiscoveryOffer {
  readonly #settings: DiscoverySettings;
  readonly #clock: Clock;
  readonly #random: () => number;
  #publisher: Pick<StatusPublisher, "retain" | "republish"> | null = null;
  #cancel: (() => void) | null = null;

  /** @param random in [0, 1). */
  constructor(settings: DiscoverySettings, clock: Clock, random: () => number) {
    this.#settings = settings;
    this.#clock = clock;
    this.#random = random;
  }

  /** Topics to listen to; none when discovery is off. */
  get topics(): readonly string[] {
    return this.#settings.discovery ? [birthTopic(this.#settings.discoveryPrefix)] : [];
  }

  /** Where to announce. */
  attach(publisher: Pick<StatusPublisher, "retain" | "republish">): void {
    this.#publisher = publisher;
  }

  /** Announces the device as it is now; what has not changed is not published again. */
  offer(facts: DiscoveryFacts): void {
    const { discovery, discoveryPrefix } = this.#settings;
    const payload = discovery ? JSON.stringify(discoveryConfig(facts)) : "";
    this.#publisher?.retain(discoveryTopic(discoveryPrefix, facts.deviceId), payload);
  }

  /** A retained birth is an old one: everything was published at the connect that brought it. */
  received({ topic, payload, retained }: MqttMessage): void {
    const isBirth =
      topic === birthTopic(this.#settings.discoveryPrefix) && Buffer.from(payload).toString() === "online";
    if (!isBirth || retained || this.#cancel !== null) return;
    this.#cancel = this.#clock.after(OFFER_AFTER_MS.least + this.#random() * OFFER_AFTER_MS.spread, () => {
      this.#cancel = null;
      void this.#publisher?.republish();
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }
}
