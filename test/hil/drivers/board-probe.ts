import { delay, SystemClock } from "../../../src/core/clock.ts";
import { MqttProbe } from "../../support/mqtt-probe.ts";
import type { BoardProbe } from "../driver.ts";

const AVAILABILITY = /^(.+)\/availability$/;

/** Connects to the broker, which may still be starting, and finds the one device that is there. */
export async function probeBoard(url: string): Promise<BoardProbe> {
  const probe = await connectWhenUp(url);
  const { topic } = await probe.waitFor((message) => AVAILABILITY.test(message.topic));
  const root = AVAILABILITY.exec(topic)?.[1] ?? "";
  return {
    probe,
    root,
    topic: async (path, from = 0, fits = () => true) => {
      const parse = (text: string) => JSON.parse(text) as Record<string, unknown>;
      const isIt = ({ topic: name, text }: { topic: string; text: string }) =>
        name === `${root}/${path}` && text !== "" && fits(parse(text));
      return parse((await probe.waitFor(isIt, from)).text);
    },
    [Symbol.asyncDispose]: () => probe[Symbol.asyncDispose](),
  };
}

const ATTEMPTS = 60;
const RETRY_MS = 1_000;

async function connectWhenUp(url: string): Promise<MqttProbe> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await MqttProbe.connect(url);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      await delay(new SystemClock(), RETRY_MS);
    }
  }
}
