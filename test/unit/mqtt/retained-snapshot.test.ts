import { expect, test } from "vitest";
import { RetainedSnapshot } from "../../../src/runtime/mqtt/retained-snapshot.ts";

/** A broker whose acknowledgements are given by hand. */
class HeldBroker {
  readonly sent: string[] = [];
  readonly #pending: { resolve: () => void; reject: (error: Error) => void }[] = [];

  send = (topic: string, payload: string): Promise<void> => {
    this.sent.push(`${topic}=${payload}`);
    return new Promise((resolve, reject) => this.#pending.push({ resolve, reject }));
  };

  async acknowledge(count = this.#pending.length): Promise<void> {
    for (const { resolve } of this.#pending.splice(0, count)) resolve();
    await settled();
  }

  async lose(): Promise<void> {
    for (const { reject } of this.#pending.splice(0)) reject(new Error("gone"));
    await settled();
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("while offline only the latest value is kept; a connect publishes each topic once", async () => {
  const broker = new HeldBroker();
  const snapshot = new RetainedSnapshot(broker.send);
  snapshot.set("a", "1");
  snapshot.set("b", "1");
  snapshot.set("a", "2");
  const done = snapshot.connected();
  expect(broker.sent).toEqual(["a=2", "b=1"]);
  await broker.acknowledge();
  await done;
});

test("at most one message per topic is in flight and the last value set is the last one sent", async () => {
  const broker = new HeldBroker();
  const snapshot = new RetainedSnapshot(broker.send);
  await snapshot.connected();
  for (const value of ["1", "2", "3"]) snapshot.set("a", value);
  expect(broker.sent).toEqual(["a=1"]);
  await broker.acknowledge();
  expect(broker.sent).toEqual(["a=1", "a=3"]);
  await broker.acknowledge();
  expect(broker.sent).toHaveLength(2);
});

test("an unchanged value is not published again", async () => {
  const broker = new HeldBroker();
  const snapshot = new RetainedSnapshot(broker.send);
  await snapshot.connected();
  snapshot.set("a", "1");
  await broker.acknowledge();
  snapshot.set("a", "1");
  expect(broker.sent).toEqual(["a=1"]);
});

test("what was in flight when the connection went is published at the next connect", async () => {
  const broker = new HeldBroker();
  const snapshot = new RetainedSnapshot(broker.send);
  await snapshot.connected();
  snapshot.set("a", "1");
  snapshot.disconnected();
  await broker.lose();
  snapshot.set("a", "2");
  void snapshot.connected();
  expect(broker.sent).toEqual(["a=1", "a=2"]);
});

test("an acknowledgement that belongs to the connection before changes nothing", async () => {
  const broker = new HeldBroker();
  const snapshot = new RetainedSnapshot(broker.send);
  await snapshot.connected();
  snapshot.set("a", "1");
  snapshot.disconnected();
  snapshot.set("a", "2");
  void snapshot.connected();
  await broker.acknowledge();
  expect(broker.sent).toEqual(["a=1", "a=2"]);
});

test("a deletion is published until the broker has it and then forgotten", async () => {
  const broker = new HeldBroker();
  const snapshot = new RetainedSnapshot(broker.send);
  snapshot.set("a", "");
  void snapshot.connected();
  snapshot.disconnected();
  await broker.lose();
  void snapshot.connected();
  await broker.acknowledge();
  snapshot.disconnected();
  await snapshot.connected();
  expect(broker.sent).toEqual(["a=", "a="]);
});

test("a value set while its deletion is on the way is published after it", async () => {
  const broker = new HeldBroker();
  const snapshot = new RetainedSnapshot(broker.send);
  await snapshot.connected();
  snapshot.set("a", "1");
  await broker.acknowledge();
  snapshot.set("a", "");
  snapshot.set("a", "2");
  await broker.acknowledge();
  expect(broker.sent).toEqual(["a=1", "a=", "a=2"]);
});

test("delivered: true once the broker has the latest value, false while offline or when the connection goes first", async () => {
  const broker = new HeldBroker();
  const snapshot = new RetainedSnapshot(broker.send);
  snapshot.set("a", "1");
  expect(await snapshot.delivered("a")).toBe(false);
  const connected = snapshot.connected();
  const first = snapshot.delivered("a");
  await broker.acknowledge();
  await connected;
  expect(await first).toBe(true);
  snapshot.set("a", "");
  const lost = snapshot.delivered("a");
  await broker.lose();
  expect(await lost).toBe(false);
});

test("resend publishes everything again while online, and nothing while offline", async () => {
  const broker = new HeldBroker();
  const snapshot = new RetainedSnapshot(broker.send);
  snapshot.set("a", "1");
  snapshot.set("b", "2");
  await snapshot.resend();
  expect(broker.sent).toEqual([]);
  const connected = snapshot.connected();
  await broker.acknowledge();
  await connected;
  const resent = snapshot.resend();
  await broker.acknowledge();
  await resent;
  expect(broker.sent).toEqual(["a=1", "b=2", "a=1", "b=2"]);
});
