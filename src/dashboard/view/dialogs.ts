import { h, uniqueId } from "./dom.ts";

export interface Question {
  readonly title: string;
  readonly text: string;
  /** What the button says that does it. */
  readonly action: string;
  readonly isDangerous?: boolean;
  /** To be typed before the button works. */
  readonly word?: string;
}

/** Asks before something that matters. True when it shall be done. */
export function confirmed({ title, text, action, isDangerous = false, word }: Question): Promise<boolean> {
  const titleId = uniqueId("dialog");
  const go = h(
    "button",
    { type: "submit", value: "go", class: isDangerous ? "button danger" : "button primary" },
    action,
  );
  const typed = h("input", { type: "text", autocomplete: "off", spellcheck: "false" });
  const label = word === undefined ? null : h("label", { class: "field" }, `Type ${word} to confirm`, typed);
  if (word !== undefined) {
    go.disabled = true;
    typed.addEventListener("input", () => {
      go.disabled = typed.value.trim() !== word;
    });
  }
  const form = h(
    "form",
    { method: "dialog" },
    h("h2", { id: titleId }, title),
    h("p", {}, text),
    label,
    h(
      "div",
      { class: "dialog-actions" },
      h(
        "button",
        { type: "submit", value: "", class: "button", autofocus: word === undefined, formnovalidate: true },
        "Cancel",
      ),
      go,
    ),
  );
  return shown(form, titleId, (value) => value === "go");
}

/** Asks for texts to be changed. Null when it was cancelled. */
export function edited(
  title: string,
  fields: Readonly<Record<string, string>>,
): Promise<Record<string, string> | null> {
  const titleId = uniqueId("dialog");
  const inputs = Object.entries(fields).map(([name, value]) => {
    const input = h("input", { type: "text", value, required: true, maxlength: 500, autocomplete: "off" });
    return { name, input };
  });
  const form = h(
    "form",
    { method: "dialog" },
    h("h2", { id: titleId }, title),
    ...inputs.map(({ name, input }) => h("label", { class: "field" }, name, input)),
    h(
      "div",
      { class: "dialog-actions" },
      h("button", { type: "submit", value: "", class: "button", formnovalidate: true }, "Cancel"),
      h("button", { type: "submit", value: "go", class: "button primary" }, "Save"),
    ),
  );
  return shown(form, titleId, (value) =>
    value === "go" ? Object.fromEntries(inputs.map(({ name, input }) => [name, input.value.trim()])) : null,
  );
}

/** Escape closes it as Cancel does; the browser puts the focus back where it was. */
function shown<Result>(form: HTMLFormElement, titleId: string, resultOf: (value: string) => Result): Promise<Result> {
  const dialog = h("dialog", { "aria-labelledby": titleId }, form);
  document.body.append(dialog);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(resultOf(dialog.returnValue));
    });
    dialog.showModal();
  });
}
