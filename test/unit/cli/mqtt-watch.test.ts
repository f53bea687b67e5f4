import { describe, expect, test } from "vitest";
import { messageLine, readMessage, type TopicMessage } from "../../../src/cli/mqtt/device-view.ts";
import { WatchLines, WatchScreen } from "../../../src/cli/mqtt/watch-output.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const message = (path: string, payload: unknown): TopicMessage => ({ device: "0123", path, payload, retained: false });
const drawn = () => new Promise((resolve) => setImmediate(resolve));

test("topics are split into device and path; what is not ours is left out", () => {
  const read = (topic: string, text: string) =>
    readMessage("home/asls", { topic, payload: bytes(text), retained: true });
  expect(read("home/asls/0123/event/button", '{"at":"x"}')).toEqual({
    device: "0123",
    path: "event/button",
    payload: { at: "x" },
    retained: true,
  });
  expect(read("home/asls/0123/availability", "online")?.payload).toBe("online");
  expect(read("home/asls/0123/state", "")?.payload).toBeNull();
  expect(read("homeassistant/status", "online")).toBeNull();
  expect(read("home/asls/0123", "x")).toBeNull();
});

test("a line has what is worth reading: nested fields by path, lists of objects by their length, no nulls", () => {
  const payload = { state: "idle", loss: null, reasons: ["a", "b"], versions: [{}, {}], mqtt: { connects: 1 } };
  expect(messageLine(message("training", payload), false)).toBe(
    "training           state=idle reasons=a,b versions=[2] mqtt.connects=1",
  );
});

test("nothing that comes over the broker steers the terminal", () => {
  const line = messageLine(message("state", { phase: "\u001b[2Jgone\u0007" }), true);
  expect(line).not.toMatch(/\p{Cc}/u);
});

describe("lines", () => {
  test("one a message with its time; a deletion of what was never seen is no news", () => {
    const lines: string[] = [];
    const output = new WatchLines(
      (text) => lines.push(text),
      () => Date.UTC(2026, 0, 5, 12),
      false,
    );
    output.show(message("alert/E_DISK_FULL", null));
    output.show(message("alert/E_MIC_LOST", { code: "E_MIC_LOST" }));
    output.show(message("alert/E_MIC_LOST", null));
    output.connection("E_MQTT_UNREACHABLE");
    expect(lines).toEqual([
      "12:00:00 alert/E_MIC_LOST   code=E_MIC_LOST\n",
      "12:00:00 alert/E_MIC_LOST   (deleted)\n",
      "12:00:00 connection lost: E_MQTT_UNREACHABLE\n",
    ]);
  });
});

describe("screen", () => {
  const screen = (columns = 200, rows = 40) => {
    const frames: string[] = [];
    const output = new WatchScreen(
      (text) => frames.push(text),
      () => 0,
      () => ({ columns, rows }),
    );
    return { output, last: () => frames.at(-1) ?? "", frames };
  };

  test("shows the latest of each device, its alerts with what to do, and events below", async () => {
    const { output, last, frames } = screen();
    output.show(message("availability", "online"));
    output.show(message("state", { phase: "training", mic_muted: true, learning_enabled: true }));
    output.show(message("power", { governor: "reduced", reason: "warm", soc_temp_c: 67 }));
    output.show(message("alert/E_MIC_LOST", { code: "E_MIC_LOST", hint: "Plug it in." }));
    output.show(message("event/button", { event_type: "press" }));
    await drawn();
    expect(frames).toHaveLength(1);
    for (const part of [
      "0123  online",
      "training since",
      "microphone muted",
      "reduced (warm), 67 °C",
      "Plug it in.",
      "press",
    ])
      expect(last()).toContain(part);
    output.show(message("alert/E_MIC_LOST", null));
    await drawn();
    expect(last()).not.toContain("E_MIC_LOST");
  });

  test("a lost connection is said above what was last known, and lines fit the terminal", async () => {
    const { output, last } = screen(20, 3);
    output.show(message("availability", "online"));
    output.connection("E_MQTT_UNREACHABLE");
    await drawn();
    const lines = last().split("\n").slice(0, -1);
    expect(lines[0]).toContain("no connection");
    expect(lines).toHaveLength(2);
    expect(lines.slice(1).every((line) => line.length <= 20)).toBe(true);
  });
});
