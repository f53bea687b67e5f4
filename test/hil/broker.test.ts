import { expect, test } from "vitest";
import { describeWhen } from "../support/describe-when.ts";
import { missing, openBoard } from "./open-board.ts";

describeWhen(missing("restart_broker"), "a broker that restarts", () => {
  test("and has forgotten everything is told all states again, without a restart of the service", async () => {
    await using board = await openBoard();
    const pid = await board.servicePid();
    await board.service.call("mute", { muted: true });
    await board.stopBroker();
    await board.startBroker();
    await using broker = await board.mqtt();
    expect(await broker.topic("state", 0, ({ mic_muted }) => mic_muted === true)).toMatchObject({ phase: "idle" });
    await broker.probe.waitFor(({ topic, text }) => topic === `${broker.root}/availability` && text === "online");
    await broker.topic("power");
    await broker.topic("training");
    const from = broker.probe.seen.length;
    await board.service.call("mute", { muted: false });
    await broker.topic("state", from, ({ mic_muted }) => mic_muted === false);
    expect(await board.servicePid()).toBe(pid);
  });
});
