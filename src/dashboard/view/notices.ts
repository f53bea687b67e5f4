import { h, icon } from "./dom.ts";

const GONE_MS = 6_000;

/** What came of a request, at the edge of the page and read aloud. Good news goes by itself, an error stays. */
export class Notices {
  readonly #polite = h("div", { class: "notices", role: "status", "aria-live": "polite" });
  readonly #urgent = h("div", { class: "notices", role: "alert" });
  readonly element = h("div", { class: "notice-area" }, this.#urgent, this.#polite);

  done(text: string): void {
    const notice = h("div", { class: "notice" }, icon("check"), h("p", {}, text));
    this.#polite.replaceChildren(notice);
    setTimeout(() => notice.remove(), GONE_MS);
  }

  /** @param hint what to do next. */
  failed(text: string, hint: string, code: string): void {
    const close = h("button", { type: "button", class: "button icon-button", "aria-label": "Dismiss" }, icon("close"));
    const notice = h(
      "div",
      { class: "notice notice-error" },
      icon("warning"),
      h(
        "div",
        {},
        h("p", {}, text),
        hint === "" ? null : h("p", { class: "hint" }, hint),
        code === "" ? null : h("code", {}, code),
      ),
      close,
    );
    close.addEventListener("click", () => notice.remove());
    this.#urgent.replaceChildren(notice);
  }
}
