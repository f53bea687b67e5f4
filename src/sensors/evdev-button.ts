import { arch } from "node:process";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import { alternatingEdges, type ButtonMap, buttonOn } from "./alternating-edges.ts";
import { EvdevReader, type EvdevRecordBytes, evdevRecordBytes } from "./evdev-record.ts";
import type { ButtonEdge, ButtonInput, ButtonName } from "./ports.ts";
import { watchChild } from "./watched-child.ts";

/** KEY_VOICECOMMAND, KEY_UP, KEY_DOWN of linux/input-event-codes.h: the `keycode`s to give the gpio-key overlays. */
export const DEFAULT_KEYS: Readonly<Record<ButtonName, number>> = { talk: 0x246, up: 103, down: 108 };

export interface EvdevButtonOptions {
  /** Input devices, e.g. /dev/input/event0; the gpio-key overlay makes one per button. */
  readonly devices: readonly string[];
  /** Key code of each button. */
  readonly keys: ButtonMap;
  readonly clock: Clock;
  readonly log: Logger;
  /** Default: this machine's. */
  readonly recordBytes?: EvdevRecordBytes;
}

/**
 * Buttons that the kernel presents as keys (gpio-keys): debounced there, no native module needed. The devices are read by
 * `cat`, since a read of our own would hold a thread of Node's pool until the next key.
 */
export class EvdevButtonInput implements ButtonInput {
  readonly name: string;
  readonly #options: EvdevButtonOptions;

  constructor(options: EvdevButtonOptions) {
    this.#options = options;
    this.name = `evdev ${options.devices.join(", ")}`;
  }

  async watch(onEdge: (edge: ButtonEdge) => void, signal: AbortSignal): Promise<void> {
    const report = alternatingEdges(this.#options.clock, onEdge);
    // all or none: one device that cannot be opened ends the others
    const failing = new AbortController();
    const both = AbortSignal.any([signal, failing.signal]);
    try {
      await Promise.all(this.#options.devices.map((device) => this.#watchDevice(device, report, both)));
    } catch (error) {
      failing.abort();
      throw error;
    }
  }

  #watchDevice(
    device: string,
    report: (button: ButtonName, pressed: boolean) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { keys, clock, log, recordBytes = evdevRecordBytes(arch) } = this.#options;
    const releaseAll = () => {
      for (const button of ["talk", "up", "down"] as const) report(button, false);
    };
    let reader = new EvdevReader(recordBytes);
    return watchChild(
      {
        command: "cat",
        args: [device],
        packageName: "coreutils",
        clock,
        log,
        onStart: () => {
          reader = new EvdevReader(recordBytes);
          releaseAll();
        },
        onData: (chunk) => {
          for (const event of reader.accept(chunk)) {
            if (event.kind === "dropped") releaseAll();
            else {
              const button = buttonOn(keys, event.code);
              if (button !== null) report(button, event.pressed);
            }
          }
        },
      },
      signal,
    );
  }
}
