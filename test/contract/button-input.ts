import { expect, test } from "vitest";
import type { ButtonEdge, ButtonInput, ButtonName } from "../../src/sensors/ports.ts";
import { eventually } from "../support/eventually.ts";

/** Buttons with a finger on them. */
export interface ButtonRig extends AsyncDisposable {
  readonly input: ButtonInput;
  /** Moves the contact of one button. */
  move(button: ButtonName, pressed: boolean): Promise<void> | void;
}

/** What every button input must do. The board has all three buttons, released. */
export function buttonInputContract(make: () => Promise<ButtonRig>): void {
  test("reports a press and a release of talk, in time order", async () => {
    await using rig = await make();
    const { edges, abort } = await watched(rig.input);
    await rig.move("talk", true);
    await eventually(() => edges.length === 1);
    await rig.move("talk", false);
    await eventually(() => edges.length === 2);
    expect(edges.map(({ button, pressed }) => `${button} ${pressed}`)).toEqual(["talk true", "talk false"]);
    expect(edges[1]?.atMs).toBeGreaterThanOrEqual(edges[0]?.atMs ?? Number.POSITIVE_INFINITY);
    abort.abort();
  });

  test("tells three buttons apart, also when held together", async () => {
    await using rig = await make();
    const { edges, abort } = await watched(rig.input);
    const moves = [
      ["up", true],
      ["down", true],
      ["talk", true],
      ["up", false],
      ["talk", false],
      ["down", false],
    ] as const;
    for (const [index, [button, pressed]] of moves.entries()) {
      await rig.move(button, pressed);
      await eventually(() => edges.length === index + 1);
    }
    expect(edges.map(({ button, pressed }) => [button, pressed])).toEqual(moves);
    abort.abort();
  });

  test("loses none of 100 edges", async () => {
    await using rig = await make();
    const { edges, abort } = await watched(rig.input);
    for (let i = 0; i < 100; i++) {
      await rig.move("talk", i % 2 === 0);
      await eventually(() => edges.length === i + 1);
    }
    expect(edges.every(({ pressed }, i) => pressed === (i % 2 === 0))).toBe(true);
    abort.abort();
  });

  test("reports nothing to a watch that was aborted, and can be watched again", async () => {
    await using rig = await make();
    const first = await watched(rig.input);
    first.abort.abort();
    const second = await watched(rig.input);
    await rig.move("talk", true);
    await eventually(() => second.edges.length === 1);
    expect(first.edges).toEqual([]);
    second.abort.abort();
  });

  test("a watch whose signal has already fired resolves and reports nothing", async () => {
    await using rig = await make();
    const edges: ButtonEdge[] = [];
    await rig.input.watch((edge) => edges.push(edge), AbortSignal.abort());
    const { edges: seen, abort } = await watched(rig.input);
    await rig.move("talk", true);
    await eventually(() => seen.length === 1);
    expect(edges).toEqual([]);
    abort.abort();
  });
}

async function watched(input: ButtonInput): Promise<{ edges: ButtonEdge[]; abort: AbortController }> {
  const edges: ButtonEdge[] = [];
  const abort = new AbortController();
  await input.watch((edge) => edges.push(edge), abort.signal);
  return { edges, abort };
}
