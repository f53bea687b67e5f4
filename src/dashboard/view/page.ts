import type { RequestOf, ResponseOf, Verb } from "../../runtime/mqtt/requests.ts";
import type { Link } from "../link/link.ts";
import type { Device } from "../model/device.ts";
import type { History } from "../model/history.ts";
import type { Wire } from "../wire.ts";
import { confirmed, type Question } from "./dialogs.ts";
import type { Notices } from "./notices.ts";

/** A part of the device page: made once, brought up to date at most once a frame. */
export interface Part {
  readonly element: HTMLElement;
  update(device: Device, history: History, nowMs: number): void;
}

/** Asks one device for something and tells the user what came of it. */
export class Control {
  readonly #link: Link;
  readonly #deviceId: string;
  readonly #notices: Notices;

  constructor(link: Link, deviceId: string, notices: Notices) {
    this.#link = link;
    this.#deviceId = deviceId;
    this.#notices = notices;
  }

  /**
   * The button is busy until the answer is there.
   * @param done what to tell when it worked; null = nothing, since the page shows it anyway.
   * @param question asked first.
   * @returns true when it was done.
   */
  async request<V extends Verb>(
    button: HTMLElement,
    verb: V,
    fields: Wire<RequestOf<V>>,
    done: (data: Wire<ResponseOf<V>>) => string | { failed: string; hint: string } | null,
    question?: Question,
  ): Promise<boolean> {
    if (button.getAttribute("aria-busy") === "true") return false;
    if (question !== undefined && !(await confirmed(question))) return false;
    button.setAttribute("aria-busy", "true");
    const answer = await this.#link.request(this.#deviceId, verb, fields);
    button.removeAttribute("aria-busy");
    if (answer.status === "error") {
      this.#notices.failed(answer.error, answer.hint, answer.code);
      return false;
    }
    const outcome = done(answer.data);
    if (typeof outcome === "string") this.#notices.done(outcome);
    else if (outcome !== null) this.#notices.failed(outcome.failed, outcome.hint, "");
    return outcome === null || typeof outcome === "string";
  }
}
