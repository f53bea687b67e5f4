import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import type { AslsConfig } from "../runtime/config/schema.ts";
import { createButtons } from "../sensors/buttons.ts";
import { GestureService } from "../sensors/gesture-service.ts";
import { createLed } from "../sensors/led.ts";
import { LedService } from "../sensors/led-service.ts";
import type { ButtonInput } from "../sensors/ports.ts";
import { VirtualButtons } from "../sensors/virtual-buttons.ts";
import type { VirtualLed } from "../sensors/virtual-led.ts";

/** Buttons and light, as configured. */
export interface ControlsMade {
  readonly gestures: GestureService;
  readonly virtualButtons: VirtualButtons | null;
  /** Null without a light by configuration. */
  readonly led: LedService | null;
}

/** The virtual board has a light, too: what the phase shows can be looked at in `asls status`. */
export function makeControls(config: AslsConfig, clock: Clock, log: Logger, virtualLed: VirtualLed): ControlsMade {
  const { backend, debounceMs, holdMs, doubleMs } = config.buttons;
  const logger = log.child({ part: "buttons" });
  const virtualButtons = backend === "virtual" ? new VirtualButtons(clock) : null;
  const real = backend === "virtual" || backend === "none" ? "auto" : backend;
  const noButtons: ButtonInput = { name: "no buttons", watch: async () => {} };
  const realButtons =
    backend === "none" ? noButtons : createButtons({ ...config.buttons, backend: real }, { clock, log: logger });
  const policy = { debounceMs, holdMs, doubleMs };
  // Waiting for a second press would delay every wake.
  const overrides = { talk: { ...policy, doubleMs: 0 } };
  const gestures = new GestureService({ input: virtualButtons ?? realButtons, clock, logger, policy, overrides });
  const led =
    backend === "virtual"
      ? new LedService({ open: async () => virtualLed, clock, log: logger })
      : createLed(config.led, { backend: real, chipLabel: config.buttons.chipLabel }, { clock, log: logger });
  return { gestures, virtualButtons, led };
}
