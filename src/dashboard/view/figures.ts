import { h, setText } from "./dom.ts";

/** A figure with its name below: the unit is part of the text. */
export class Figure {
  readonly #value = h("span", { class: "figure-value" }, "–");
  readonly #note = h("span", { class: "figure-note" });
  readonly element: HTMLElement;

  constructor(label: string) {
    this.element = h("div", { class: "figure" }, h("span", { class: "figure-label" }, label), this.#value, this.#note);
  }

  update(value: string, note = ""): void {
    setText(this.#value, value);
    setText(this.#note, note);
  }
}

/** Name and value pairs as a description list. */
export class Facts {
  readonly element = h("dl", { class: "facts" });
  readonly #values: readonly HTMLElement[];

  constructor(names: readonly string[]) {
    this.#values = names.map((name) => {
      const value = h("dd", {}, "–");
      this.element.append(h("div", {}, h("dt", {}, name), value));
      return value;
    });
  }

  update(values: readonly string[]): void {
    for (const [i, value] of this.#values.entries()) setText(value, values[i] ?? "–");
  }
}

/** A switch that shows what the device says, not what was clicked: the state closes the loop. */
export class Switch {
  readonly element: HTMLButtonElement;
  readonly #text: HTMLElement;

  constructor(label: string, onClick: (isOn: boolean, button: HTMLButtonElement) => void) {
    this.#text = h("span", { class: "switch-state", "aria-hidden": "true" }, "–");
    this.element = h(
      "button",
      { type: "button", class: "switch", role: "switch", "aria-checked": "false" },
      h("span", { class: "switch-label" }, label),
      this.#text,
      h("span", { class: "switch-track", "aria-hidden": "true" }),
    );
    this.element.addEventListener("click", () =>
      onClick(this.element.getAttribute("aria-checked") !== "true", this.element),
    );
  }

  update(isOn: boolean | null): void {
    this.element.setAttribute("aria-checked", String(isOn === true));
    this.element.disabled = isOn === null;
    setText(this.#text, isOn === null ? "unknown" : isOn ? "On" : "Off");
  }
}

export function button(
  text: string,
  kind: "plain" | "primary" | "danger" | "small",
  onClick: (button: HTMLButtonElement) => void,
) {
  const element = h("button", { type: "button", class: kind === "plain" ? "button" : `button ${kind}` }, text);
  element.addEventListener("click", () => onClick(element));
  return element;
}
