import type { Clock } from "../core/clock.ts";
import type { ButtonEdge, ButtonName } from "./ports.ts";

/** Line numbers or key codes of the buttons a board has. */
export type ButtonMap = Readonly<Partial<Record<ButtonName, number>>>;

/** The button on that line, or null. */
export function buttonOn(map: ButtonMap, line: number): ButtonName | null {
  for (const name of ["talk", "up", "down"] as const) if (map[name] === line) return name;
  return null;
}

/**
 * Reports a level only when it differs from the button's last one: kernels merge quick edges, so that the same level may be
 * read twice. Buttons start released.
 */
export function alternatingEdges(
  clock: Clock,
  onEdge: (edge: ButtonEdge) => void,
): (button: ButtonName, pressed: boolean) => void {
  const down = new Set<ButtonName>();
  return (button, pressed) => {
    if (down.has(button) === pressed) return;
    if (pressed) down.add(button);
    else down.delete(button);
    onEdge({ button, pressed, atMs: clock.monotonicMs() });
  };
}
