import { describe, expect, test } from "vitest";
import { DashboardRig } from "../../support/dashboard-rig.ts";

async function figures(rig: DashboardRig): Promise<Map<string, number>> {
  const { status, headers, text } = await rig.askAsOwner("/metrics");
  expect(status).toBe(200);
  expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const match = /^([a-z_]\w*(?:\{[^}]*\})?) (\S+)$/.exec(line);
      expect(match, `no line of the format: ${line}`).not.toBeNull();
      return [match?.[1] ?? "", Number(match?.[2])];
    }),
  );
}

describe("metrics", () => {
  test("are off by default", async () => {
    await using rig = await DashboardRig.start();
    expect((await rig.askAsOwner("/metrics")).status).toBe(404);
  });

  test("say what the topics said, also before anybody asked", async () => {
    await using rig = await DashboardRig.start({ metrics: true });
    rig.topics.retained(
      "power",
      JSON.stringify({ duty: 0.5, threads: 2, soc_temp_c: 61, input_w: null, reason: "warm" }),
    );
    rig.topics.retained("training", JSON.stringify({ state: "training", progress_pct: 40, loss: 2.5 }));
    rig.topics.retained("state", JSON.stringify({ mic_muted: true }));
    rig.topics.retained("alert/E_MIC_LOST", "{}");
    rig.topics.told("event/interaction", JSON.stringify({ event_type: "wake", latency_ms: null }));
    rig.topics.told("event/interaction", JSON.stringify({ event_type: "answered", latency_ms: 400 }));
    rig.topics.told("event/interaction", JSON.stringify({ event_type: "feedback_up", latency_ms: null }));
    rig.topics.told("event/training", JSON.stringify({ event_type: "started" }));
    rig.topics.told("training/metrics", JSON.stringify({ step: 1, loss: 2.5 }));
    const seen = await figures(rig);
    expect(
      Object.fromEntries([...seen].filter(([name]) => name.startsWith("asls_") && !name.includes("bucket"))),
    ).toMatchObject({
      asls_governor_duty: 0.5,
      asls_governor_threads: 2,
      asls_soc_temperature_celsius: 61,
      'asls_governor_reason{reason="warm"}': 1,
      'asls_governor_reason{reason="none"}': 0,
      asls_training_running: 1,
      asls_training_progress_percent: 40,
      asls_training_loss: 2.5,
      asls_microphone_muted: 1,
      'asls_alert{code="E_MIC_LOST"}': 1,
      'asls_turns_total{outcome="answered"}': 1,
      'asls_feedback_total{rating="up"}': 1,
      'asls_training_events_total{event="started"}': 1,
      asls_training_steps_total: 1,
      asls_first_audio_seconds_sum: 0.4,
      asls_first_audio_seconds_count: 1,
    });
    expect(seen.has("asls_input_power_watts")).toBe(false);
    expect(seen.get("process_resident_memory_bytes")).toBeGreaterThan(0);
  });

  test("a value that is no longer measured and an alert that is solved go away", async () => {
    await using rig = await DashboardRig.start({ metrics: true });
    rig.topics.retained("power", JSON.stringify({ soc_temp_c: 61 }));
    rig.topics.retained("alert/E_MIC_LOST", "{}");
    rig.topics.retained("power", JSON.stringify({ soc_temp_c: null }));
    rig.topics.retained("alert/E_MIC_LOST", "");
    const seen = await figures(rig);
    expect(seen.has("asls_soc_temperature_celsius")).toBe(false);
    expect(seen.has('asls_alert{code="E_MIC_LOST"}')).toBe(false);
  });
});
