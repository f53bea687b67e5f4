import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { GOVERNOR_REASONS } from "../governor/policy.ts";
import type { TopicSource } from "./event-stream.ts";

const LATENCY_BUCKETS_S = [0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10];

type WireFields = Readonly<Record<string, unknown>>;

/** Figures that are shown as they were published, by topic: wire name, metric, help. */
const GAUGES: Readonly<Record<string, readonly (readonly [field: string, name: string, help: string])[]>> = {
  state: [
    ["mic_muted", "asls_microphone_muted", "1 while the microphone is off."],
    ["learning_enabled", "asls_learning_enabled", "1 while the household's switch is on."],
  ],
  power: [
    ["duty", "asls_governor_duty", "Share of the processor that training may use, 0 to 1."],
    ["threads", "asls_governor_threads", "Threads that training may use."],
    ["soc_temp_c", "asls_soc_temperature_celsius", "Temperature of the board."],
    ["input_w", "asls_input_power_watts", "Input power."],
    ["battery_pct", "asls_battery_percent", "Charge of the battery."],
    ["today_wh", "asls_training_energy_today_watt_hours", "Energy that training took today."],
    ["daily_wh", "asls_training_energy_allowance_watt_hours", "Energy that training may take a day."],
  ],
  training: [
    ["progress_pct", "asls_training_progress_percent", "Of the pass under way."],
    ["loss", "asls_training_loss", "Of the last step, nats a token."],
    ["examples", "asls_examples", "Interactions of the active profile."],
    ["new_interactions", "asls_new_interactions", "Interactions since the last training."],
  ],
  health: [
    ["uptime_s", "asls_uptime_seconds", "Since the service started."],
    ["loop_lag_p99_ms", "asls_event_loop_lag_p99_milliseconds", "99th percentile of the last minute."],
    ["disk_free_mb", "asls_disk_free_megabytes", "Where profiles and adapters are kept."],
    ["trainer_restarts", "asls_trainer_restarts", "Trainer processes that died and were started again."],
  ],
};

/**
 * Prometheus figures, all taken from what the device publishes anyway: so there is no user text and no name in them, by
 * the same schemas. What nobody measured is left out instead of being 0. Memory and event loop come from prom-client.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #gauges = new Map<string, Gauge>();
  readonly #labelled = labelledMetrics(this.#registry);
  readonly #unwatch: () => void;

  /** Counts from now on. */
  constructor(topics: TopicSource) {
    collectDefaultMetrics({ register: this.#registry });
    this.#unwatch = topics.watch((path, payload) => this.#accept(path, payload));
  }

  stop(): void {
    this.#unwatch();
    this.#registry.clear();
  }

  /** Text format 0.0.4. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** The payload has passed its topic's schema already; its fields have their wire names. */
  #accept(path: string, payload: string): void {
    const { alerts, steps, trainings, governorReason } = this.#labelled;
    const code = /^alert\/(\w+)$/.exec(path)?.[1];
    if (code !== undefined) {
      if (payload === "") alerts.remove({ code });
      else alerts.set({ code }, 1);
    }
    if (!payload.startsWith("{")) return;
    const fields = JSON.parse(payload) as WireFields;
    for (const [field, name, help] of GAUGES[path] ?? []) this.#set(name, help, fields[field]);
    if (path === "power") {
      for (const reason of GOVERNOR_REASONS) governorReason.set({ reason }, reason === fields.reason ? 1 : 0);
    }
    if (path === "training") this.#set("asls_training_running", "1 while a job is under way.", fields.state !== "idle");
    if (path === "training/metrics") steps.inc();
    if (path === "event/training") trainings.inc({ event: String(fields.event_type) });
    if (path === "event/interaction") this.#interaction(fields);
  }

  #interaction({ event_type: type, latency_ms: latencyMs }: WireFields): void {
    const { feedback, turns, latency } = this.#labelled;
    if (type === "feedback_up") feedback.inc({ rating: "up" });
    else if (type === "feedback_down") feedback.inc({ rating: "down" });
    else if (type !== "wake") turns.inc({ outcome: String(type) });
    if (typeof latencyMs === "number") latency.observe(latencyMs / 1000);
  }

  /** Made when there is a value, taken away when there is none any more. */
  #set(name: string, help: string, value: unknown): void {
    const figure = typeof value === "boolean" ? Number(value) : value;
    if (typeof figure !== "number") {
      if (this.#gauges.delete(name)) this.#registry.removeSingleMetric(name);
      return;
    }
    const gauge = this.#gauges.get(name) ?? new Gauge({ name, help, registers: [this.#registry] });
    this.#gauges.set(name, gauge);
    gauge.set(figure);
  }
}

function labelledMetrics(registry: Registry) {
  const registers = [registry];
  return {
    governorReason: new Gauge({
      name: "asls_governor_reason",
      help: "1 for what bounds training now (docs/mqtt.md, power.reason), else 0.",
      labelNames: ["reason"],
      registers,
    }),
    alerts: new Gauge({ name: "asls_alert", help: "1 while the alert stands.", labelNames: ["code"], registers }),
    turns: new Counter({ name: "asls_turns_total", help: "Turns by outcome.", labelNames: ["outcome"], registers }),
    feedback: new Counter({
      name: "asls_feedback_total",
      help: "Judgements of answers.",
      labelNames: ["rating"],
      registers,
    }),
    trainings: new Counter({
      name: "asls_training_events_total",
      help: "Training jobs that started, paused, resumed, finished, failed or were rolled back.",
      labelNames: ["event"],
      registers,
    }),
    steps: new Counter({ name: "asls_training_steps_total", help: "Optimiser steps.", registers }),
    latency: new Histogram({
      name: "asls_first_audio_seconds",
      help: "End of speech (or request) to the first sound of the answer.",
      buckets: LATENCY_BUCKETS_S,
      registers,
    }),
  };
}
