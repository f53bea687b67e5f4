import { expect, test } from "vitest";
import { describeWhen } from "../support/describe-when.ts";
import { missing, openBoard } from "./open-board.ts";

describeWhen(missing("systemd"), "the watchdog", () => {
  test("systemd restarts a service whose main process hangs, and it answers again", async () => {
    await using board = await openBoard();
    const before = await board.servicePid();
    const restarts = async () => Number(await board.place.run("systemctl show -P NRestarts asls"));
    const countBefore = await restarts();
    await board.place.run(`kill -STOP ${before}`);
    await board.reconnect();
    expect(await board.servicePid()).not.toBe(before);
    expect(await restarts()).toBe(countBefore + 1);
    expect(await board.place.run("journalctl -u asls --no-pager -b")).toMatch(/Watchdog timeout/);
    expect(await board.service.call("status", {})).toMatchObject({ phase: "idle" });
  });
});
