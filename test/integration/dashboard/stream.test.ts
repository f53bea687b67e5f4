import { get, type IncomingMessage } from "node:http";
import { describe, expect, test } from "vitest";
import { DashboardRig } from "../../support/dashboard-rig.ts";
import { eventually } from "../../support/eventually.ts";

/** Opens the stream and collects what comes. */
function openStream(rig: DashboardRig): Promise<{ response: IncomingMessage; events(): [string, unknown][] }> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${rig.token}` };
    get(`${rig.url}api/stream`, { headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("error", () => {});
      const events = () =>
        [...text.matchAll(/event: (\w+)\ndata: (.*)\n\n/g)].map(([, event = "", data = ""]): [string, unknown] => [
          event,
          JSON.parse(data),
        ]);
      resolve({ response, events });
    }).on("error", reject);
  });
}

describe("the stream of topics", () => {
  test("begins with what is retained, goes on with what is said, and shows deletions", async () => {
    await using rig = await DashboardRig.start();
    rig.topics.retained("state", '{"phase":"idle"}');
    rig.topics.retained("alert/E_MIC_LOST", "{}");
    rig.topics.told("event/button", '{"before":true}');
    const stream = await openStream(rig);
    await eventually(() => stream.events().length >= 4);
    rig.topics.told("event/button", '{"event_type":"press"}');
    rig.topics.retained("alert/E_MIC_LOST", "");
    await eventually(() => stream.events().length >= 6);
    expect(stream.events()).toEqual([
      ["reset", {}],
      ["topic", ["state", '{"phase":"idle"}']],
      ["topic", ["alert/E_MIC_LOST", "{}"]],
      ["topic", ["availability", "online"]],
      ["topic", ["event/button", '{"event_type":"press"}']],
      ["topic", ["alert/E_MIC_LOST", ""]],
    ]);
    stream.response.destroy();
  });

  test("says every 15 s that it is there", async () => {
    await using rig = await DashboardRig.start();
    const stream = await openStream(rig);
    await eventually(() => stream.events().length >= 2);
    await rig.clock.advance(45_000);
    await eventually(() => stream.events().filter(([event]) => event === "alive").length === 3);
    stream.response.destroy();
  });

  test("at most 16 at a time; one that ends makes room", async () => {
    await using rig = await DashboardRig.start();
    const streams = await Promise.all(Array.from({ length: 16 }, () => openStream(rig)));
    expect((await rig.askAsOwner("/api/stream")).status).toBe(503);
    streams[0]?.response.destroy();
    await eventually(async () => {
      const stream = await openStream(rig);
      stream.response.destroy();
      return stream.response.statusCode === 200;
    });
    for (const { response } of streams) response.destroy();
  });

  test("a reader that falls a megabyte behind is cut off, and the device's memory stays bounded", async () => {
    await using rig = await DashboardRig.start();
    const stream = await openStream(rig);
    stream.response.pause();
    const isOver = new Promise((resolve) => stream.response.once("close", resolve));
    const payload = JSON.stringify({ text: "x".repeat(60_000) });
    let isCut = false;
    void isOver.then(() => {
      isCut = true;
    });
    for (let i = 0; i < 400 && !isCut; i += 1) {
      rig.topics.told("log", payload);
      await new Promise((resolve) => setImmediate(resolve));
    }
    stream.response.resume();
    await isOver;
  });
});
