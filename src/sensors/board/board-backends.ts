import type { Clock } from "../../core/clock.ts";
import { thisMachine } from "./board-access.ts";
import { GenericBoard } from "./generic-board.ts";
import { Jetson } from "./jetson.ts";
import type { BoardAccess, BoardBackend } from "./ports.ts";
import { RaspberryPi } from "./raspberry-pi.ts";

/** Every kind of real board, the most particular first; the last one takes any machine. */
export function boardBackends(clock: Clock, access: BoardAccess = thisMachine): readonly BoardBackend[] {
  return [new RaspberryPi(access, clock), new Jetson(access), new GenericBoard(access, clock)];
}
