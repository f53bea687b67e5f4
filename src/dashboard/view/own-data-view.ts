import { ApiError, apiJson } from "../link/api.ts";
import { confirmed, edited } from "./dialogs.ts";
import { card, h, icon, setText, show } from "./dom.ts";
import { button } from "./figures.ts";
import { dateTime, shortVersion } from "./format.ts";
import type { Notices } from "./notices.ts";
import type { MyData, MyFact, MyInteraction, MyInteractions } from "./own-data.ts";
import { SIGNALS } from "./own-data.ts";

const PAGE = 25;

/** What the device knows of the person who uses it now, word for word. Only on the device's own page. */
export class OwnDataView {
  readonly element: HTMLElement;
  readonly #notices: Notices;
  readonly #summary = h("p", { class: "soft" });
  readonly #facts = h("ul", { class: "own-facts" });
  readonly #noFacts = h("p", { class: "empty" }, "It has not learned any facts about you.");
  readonly #talks = h("ol", { class: "talks" });
  readonly #noTalks = h(
    "p",
    { class: "empty" },
    "No conversation is remembered. Say “you may remember what I say”, or hold the talk button after `asls consent grant store`.",
  );
  readonly #more = button("Show older ones", "plain", () => void this.#loadTalks(this.#loaded));
  #profileId = "";
  #loaded = 0;

  constructor(notices: Notices) {
    this.#notices = notices;
    this.element = h(
      "div",
      { class: "view view-narrow" },
      h("div", { class: "view-head" }, h("h1", { tabindex: -1 }, "My data"), this.#summary),
      h(
        "p",
        { class: "lead-note" },
        icon("lock"),
        "These words are on this device only, encrypted. They are never published over MQTT; this page gets them directly from the device.",
      ),
      card("What it knows about me", "facts", this.#noFacts, this.#facts),
      card("What we talked about", "talks", this.#noTalks, this.#talks, h("div", { class: "actions" }, this.#more)),
      card(
        "Take along or erase",
        "erase",
        h(
          "p",
          {},
          "The export is one JSON file with everything above. Forgetting destroys the key, the conversations, the facts and every adapter that was trained on them; it cannot be undone.",
        ),
        h(
          "div",
          { class: "actions" },
          h(
            "a",
            { class: "button", href: "api/me/export", download: "asls-profile.json" },
            icon("download"),
            "Export everything",
          ),
          button("Forget me", "danger", () => void this.#forget()),
        ),
      ),
    );
    // Until it is known what there is.
    for (const element of [this.#noFacts, this.#noTalks, this.#more]) element.hidden = true;
    void this.#load();
  }

  close(): void {}

  async #load(): Promise<void> {
    await this.#tried(async () => {
      const { profile, facts } = await apiJson<MyData>("api/me");
      this.#profileId = profile.id;
      const name = profile.label === null ? "" : `${profile.label}: `;
      const allowed = profile.consent.store ? "" : " Remembering is not allowed at present.";
      setText(this.#summary, `${name}${profile.interaction_count} conversations, ${facts.length} facts.${allowed}`);
      show(this.#noFacts, facts.length === 0);
      this.#facts.replaceChildren(...facts.map((fact) => this.#factRow(fact)));
      await this.#loadTalks(0);
    });
  }

  async #loadTalks(from: number): Promise<void> {
    await this.#tried(async () => {
      const { interactions, has_more } = await apiJson<MyInteractions>(
        `api/me/interactions?from=${from}&limit=${PAGE}`,
      );
      const rows = interactions.map((talk) => this.#talkRow(talk));
      if (from === 0) this.#talks.replaceChildren(...rows);
      else this.#talks.append(...rows);
      this.#loaded = from + interactions.length;
      show(this.#noTalks, this.#loaded === 0);
      show(this.#more, has_more);
    });
  }

  #factRow(fact: MyFact): HTMLElement {
    const source =
      fact.source === null
        ? "Typed in by its owner"
        : `From “${fact.source.input}”, ${dateTime(Date.parse(fact.source.at))}`;
    const edit = button("Change", "small", () => void this.#editFact(fact));
    const remove = button("Delete", "small", () => {
      const question = { title: "Delete this fact?", text: fact.statement, action: "Delete", isDangerous: true };
      void this.#remove(`api/me/facts/${fact.id}`, question, "The fact is deleted.");
    });
    edit.setAttribute("aria-label", `Change: ${fact.statement}`);
    remove.setAttribute("aria-label", `Delete: ${fact.statement}`);
    return h(
      "li",
      {},
      h("div", {}, h("p", { class: "statement" }, fact.statement), h("p", { class: "soft" }, source)),
      h("div", { class: "actions" }, edit, remove),
    );
  }

  #talkRow(talk: MyInteraction): HTMLElement {
    const remove = button("Delete", "small", () => {
      const learned =
        talk.trained_into.length === 0
          ? ""
          : " Adapters that were trained on it are taken out of use and trained again without it.";
      const question = {
        title: "Delete this conversation?",
        text: `“${talk.input}”.${learned}`,
        action: "Delete",
        isDangerous: true,
      };
      void this.#remove(`api/me/interactions/${talk.id}`, question, "The conversation is deleted.");
    });
    remove.setAttribute("aria-label", `Delete: ${talk.input}`);
    const changes = [
      ...talk.facts.map((statement) => `Learned: ${statement}`),
      ...talk.signals.map(
        ({ kind, correction }) => `${SIGNALS[kind] ?? kind}${correction === null ? "" : `: “${correction}”`}`,
      ),
      ...talk.trained_into.map((version) => `Trained into adapter ${shortVersion(version)}`),
    ];
    return h(
      "li",
      {},
      h(
        "div",
        { class: "talk-head" },
        h("time", { datetime: talk.at, class: "soft" }, dateTime(Date.parse(talk.at))),
        remove,
      ),
      h("p", { class: "talk-input" }, h("span", { class: "visually-hidden" }, "You: "), talk.input),
      h("p", { class: "talk-answer" }, h("span", { class: "visually-hidden" }, "Answer: "), talk.answer),
      changes.length === 0
        ? null
        : h(
            "ul",
            { class: "changes", "aria-label": "What it changed" },
            ...changes.map((change) => h("li", {}, change)),
          ),
    );
  }

  async #editFact({ id, statement, value }: MyFact): Promise<void> {
    const change = await edited("Change this fact", { Statement: statement, Value: value });
    if (change === null) return;
    await this.#tried(async () => {
      const body = { statement: change.Statement ?? "", value: change.Value ?? "" };
      await apiJson<unknown>(`api/me/facts/${id}`, { method: "PATCH", body });
      this.#notices.done("The fact is changed.");
      await this.#load();
    });
  }

  async #remove(path: string, question: Parameters<typeof confirmed>[0], done: string): Promise<void> {
    if (!(await confirmed(question))) return;
    await this.#tried(async () => {
      await apiJson<unknown>(path, { method: "DELETE" });
      this.#notices.done(done);
      await this.#load();
    });
  }

  async #forget(): Promise<void> {
    const question = {
      title: "Forget everything about me?",
      text: "The key, all conversations and facts, and every adapter trained on them are destroyed. There is no way back.",
      action: "Forget me",
      isDangerous: true,
      word: "forget",
    };
    if (!(await confirmed(question))) return;
    await this.#tried(async () => {
      const receipt = await apiJson<{ rows: number; files: number; adapters: number; verified: boolean }>(
        "api/me/forget",
        {
          method: "POST",
          body: { profile: this.#profileId },
        },
      );
      const proof = receipt.verified
        ? "Checked: nothing of it is left."
        : "Not everything could be checked; see `asls doctor`.";
      this.#notices.done(
        `Forgotten: ${receipt.rows} rows, ${receipt.files} files rewritten, ${receipt.adapters} adapters. ${proof}`,
      );
      await this.#load();
    });
  }

  async #tried(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#notices.failed(error.message, error.hint, error.code);
    }
  }
}
