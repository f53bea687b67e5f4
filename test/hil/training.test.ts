import { expect, test } from "vitest";
import { describeWhen } from "../support/describe-when.ts";
import type { BoardDriver } from "./driver.ts";
import { missing, openBoard } from "./open-board.ts";
import { newPerson, talk, train } from "./person.ts";
import { runAboutTrainer, trainerIs, trainerState } from "./trainer-state.ts";

/** Who taught the board of the other tests, too, where it is the same one: turns take an emulated processor long. */
const TRAINEE = "trainee";

/** A board whose trainer computes, cancelled by {@link stopTraining}: a test that ends early owes the next one that. */
async function openTrainingBoard(label = TRAINEE): Promise<BoardDriver> {
  const board = await openBoard();
  const profiles = (await board.service.call("profileList", {})) as readonly { id: string; label: string }[];
  const known = label === TRAINEE ? profiles.find((profile) => profile.label === label) : undefined;
  if (known === undefined) {
    await newPerson(board, label);
    await talk(board, 0, 5);
  } else await board.service.call("profileSelect", { profile: known.id });
  await train(board);
  await trainerIs(board, "running");
  return board;
}

async function stopTraining(board: BoardDriver): Promise<void> {
  await board.service.call("trainCancel", {});
  await trainerIs(board, "absent");
}

describeWhen(missing("set_mains", "set_temperature"), "while it trains", () => {
  test("mains pulled: the trainer stands still with its reason on MQTT, and goes on when it is back", async () => {
    await using board = await openTrainingBoard();
    await using broker = await board.mqtt();
    let seen = broker.probe.seen.length;
    const from = board.service.position;
    await board.setMains(false);
    await board.next(from, "budget", ({ duty, reason }) => duty === 0 && reason === "on_battery");
    await trainerIs(board, "still");
    await broker.topic(
      "power",
      seen,
      ({ duty, reason, mains }) => duty === 0 && reason === "on_battery" && mains === false,
    );
    seen = broker.probe.seen.length;
    await board.setMains(true);
    await trainerIs(board, "running");
    await broker.topic("power", seen, ({ duty, mains }) => Number(duty) > 0 && mains === true);
    await stopTraining(board);
  });

  test("consent to it withdrawn from afar: the trainer is gone, and the device says so, by event and aloud", async () => {
    await using board = await openTrainingBoard("one who withdraws");
    const from = board.service.position;
    await board.service.call("consent", { purpose: "train", granted: false });
    await board.next(from, "consent", ({ granted, isJobEnded }) => granted === false && isJobEnded === true);
    await board.next(from, "phase", ({ phase }) => phase === "speaking");
    await trainerIs(board, "absent");
    expect(await board.service.call("trainStatus", {})).toMatchObject({ job: null, adapter: null });
  });

  test("above the stop temperature: paused with its reason on MQTT, and resumed below the resume temperature", async () => {
    await using board = await openTrainingBoard();
    await using broker = await board.mqtt();
    const seen = broker.probe.seen.length;
    await board.setTempC(90);
    await trainerIs(board, "still");
    await broker.topic(
      "power",
      seen,
      ({ duty, reason, soc_temp_c }) => duty === 0 && reason === "too_hot" && soc_temp_c === 90,
    );
    // Between the two limits it stays as it is.
    await board.setTempC(70);
    await broker.topic("power", seen, ({ soc_temp_c }) => soc_temp_c === 70);
    expect(await trainerState(board)).toBe("still");
    await board.setTempC(45);
    await trainerIs(board, "running");
    await stopTraining(board);
  });

  test("a turn of the user is answered, and the trainer goes on after it", async () => {
    await using board = await openTrainingBoard();
    const turn = await board.service.call("say", { text: "is the garage door open?", aloud: false });
    expect(turn).toMatchObject({ outcome: "answered" });
    await trainerIs(board, "running");
    await stopTraining(board);
  });
});

describeWhen(missing("memory_limit"), "a trainer that takes too much memory", () => {
  test("is killed by the kernel: the service goes on, and the job begins again", async () => {
    await using board = await openTrainingBoard();
    const pid = await board.servicePid();
    const kills = () =>
      runAboutTrainer(board, 'sed -n "s/^oom_kill //p" /sys/fs/cgroup/asls.slice/asls.service/trainer/memory.events');
    const before = Number(await kills());
    const first = await runAboutTrainer(board, "trainer_pid");
    // What it holds already is more than that.
    await board.place.run(`
      cd /sys/fs/cgroup/asls.slice/asls.service/trainer
      echo 1M >memory.max
      echo max >memory.max`);
    await trainerIs(board, "running");
    expect(await runAboutTrainer(board, "trainer_pid")).not.toBe(first);
    expect(Number(await kills())).toBeGreaterThan(before);
    expect(await board.servicePid()).toBe(pid);
    expect(await board.service.call("say", { text: "hello", aloud: false })).toMatchObject({ outcome: "answered" });
    await stopTraining(board);
  });
});

/** How long the trainer's processor time still rose after mains was pulled, ms: looked at for 4 s, on the board's clock. */
const PULL_AND_WATCH = `
pid=$(trainer_pid)
now() { sed 's/ .*//; s/\\.//' /proc/uptime; }
began=$(now)
/usr/lib/asls-vm/mains off
last=$began
seen=$(ticks $pid)
until [ $(($(now) - began)) -gt 400 ]; do
  ticks_now=$(ticks $pid)
  if [ "$ticks_now" != "$seen" ]; then seen=$ticks_now; last=$(now); fi
done
echo $(((last - began) * 10))`;

describeWhen(missing("kernel_sensors"), "from mains pulled to a trainer that stands still", () => {
  test("takes at most 1 s after the look at the sensors, which comes twice a second", async () => {
    await using board = await openTrainingBoard();
    const tookMs: number[] = [];
    for (let pull = 0; pull < 3; pull += 1) {
      tookMs.push(Number(await runAboutTrainer(board, PULL_AND_WATCH)));
      await board.setMains(true);
      await trainerIs(board, "running");
    }
    await stopTraining(board);
    // The fastest: what the board can do, whatever else this machine did meanwhile.
    expect(Math.min(...tookMs)).toBeLessThanOrEqual(1_500);
  });
});
