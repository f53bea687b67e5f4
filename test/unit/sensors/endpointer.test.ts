import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  DEFAULT_ENDPOINT_POLICY,
  type EndpointEvent,
  endpoint,
  INITIAL_ENDPOINT,
} from "../../../src/sensors/endpointer.ts";

const policy = DEFAULT_ENDPOINT_POLICY;

/** Events with the number of the frame (1 = first) that caused them. `#` = speech, anything else silence. */
function events(audio: string): [EndpointEvent, number][] {
  const found: [EndpointEvent, number][] = [];
  let state = INITIAL_ENDPOINT;
  [...audio].forEach((frame, i) => {
    const step = endpoint(state, frame === "#", policy);
    state = step.state;
    if (step.event !== null) found.push([step.event, i + 1]);
  });
  return found;
}

describe("endpointer", () => {
  test("three speech frames in a row start an utterance, two with a gap do not", () => {
    expect(events("..###")).toEqual([["speech_started", 5]]);
    expect(events("##.##.##.")).toEqual([]);
  });

  test("704 ms (22 frames) of silence end it, 672 ms and more speech do not", () => {
    expect(events(`###${".".repeat(22)}`)).toEqual([
      ["speech_started", 3],
      ["speech_ended", 25],
    ]);
    expect(events(`###${".".repeat(21)}#${".".repeat(21)}`)).toEqual([["speech_started", 3]]);
  });

  test("nobody speaking for 5 s (157 frames) is no_speech, once", () => {
    expect(events(".".repeat(400))).toEqual([["no_speech", 157]]);
  });

  test("speech that begins just before the 5 s limit is waited for", () => {
    expect(events(`${".".repeat(155)}###`)).toEqual([["speech_started", 158]]);
  });

  test("endless speech is cut at 15 s (469 frames) from its first frame", () => {
    expect(events(`.....${"#".repeat(600)}`)).toEqual([
      ["speech_started", 8],
      ["speech_cut", 474],
    ]);
  });

  test("whatever is heard, there is at most one start, one end, and no end without a start", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 700 }), (frames) => {
        const names = events(frames.map((isSpeech) => (isSpeech ? "#" : ".")).join("")).map(([name]) => name);
        expect([
          "",
          "no_speech",
          "speech_started",
          "speech_started,speech_ended",
          "speech_started,speech_cut",
        ]).toContain(names.join(","));
      }),
    );
  });
});
