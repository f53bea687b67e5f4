import { expect, test } from "vitest";
import { describeWhen } from "../support/describe-when.ts";
import { missing, openBoard } from "./open-board.ts";

test("comes up: answers on its control socket, online and idle on MQTT, no alert that this board causes", async () => {
  await using board = await openBoard();
  await using broker = await board.mqtt();
  expect(await broker.topic("state", 0, ({ phase }) => phase === "idle")).toMatchObject({ fault: null });
  const status = (await board.service.call("status", {})) as {
    phase: string;
    model: unknown;
    alerts: { code: string }[];
  };
  expect(status.phase).toBe("idle");
  expect(status.model).not.toBe(null);
  expect(status.alerts.map(({ code }) => code).filter((code) => !board.standingAlerts.includes(code))).toEqual([]);
});

describeWhen(missing("systemd"), "under systemd", () => {
  test("is a notify service that said READY, is watched, and runs as a user of its own", async () => {
    await using board = await openBoard();
    const shown = await board.place.run(
      "systemctl show asls -p Type -p ActiveState -p StatusText -p WatchdogUSec -p MainPID; ps -o uid= -p $(systemctl show -P MainPID asls)",
    );
    expect(shown).toContain("Type=notify");
    expect(shown).toContain("ActiveState=active");
    expect(shown).toMatch(/StatusText=healthy/);
    expect(shown).toMatch(/WatchdogUSec=[1-9]/);
    expect(shown.trim().split("\n").at(-1)?.trim()).not.toBe("0");
    expect(await board.place.run("cat /proc/$(systemctl show -P MainPID asls)/maps")).toContain("/libjemalloc.so.2\n");
  });
});
