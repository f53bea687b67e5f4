import type { Link } from "../link/link.ts";
import { type Device, deviceName, unknownDevice } from "../model/device.ts";
import { deviceAfter, forgetRetained } from "../model/device-reducer.ts";
import { type History, historyAfter, NO_HISTORY, withGap } from "../model/history.ts";
import { BOARDS } from "../model/words.ts";
import { h, perFrame, setText } from "./dom.ts";
import type { Notices } from "./notices.ts";
import { Control } from "./page.ts";
import { adapterPart } from "./parts/adapter-part.ts";
import { nowPart } from "./parts/now-part.ts";
import { powerPart } from "./parts/power-part.ts";
import { safetyPart } from "./parts/safety-part.ts";
import { activityPart, alertsPart, consentPart, devicePart } from "./parts/side-parts.ts";
import { trainingPart } from "./parts/training-part.ts";

/** Ages and the right end of the plots move on without a message. */
const TICK_MS = 1_000;

/** Everything about one device. */
export class DeviceView {
  readonly element: HTMLElement;
  readonly #render: () => void;
  readonly #ticker: number;
  #device: Device;
  #history: History = NO_HISTORY;

  /** @param known what the fleet has heard of it already. @param back link to the list, or null. */
  constructor(link: Link, deviceId: string, notices: Notices, known: Device | null, back: HTMLElement | null) {
    this.#device = known ?? unknownDevice(deviceId);
    const control = new Control(link, deviceId, notices);
    const title = h("h1", { tabindex: -1 });
    const alerts = alertsPart();
    const columns = [
      [nowPart(control), consentPart(control), activityPart(), devicePart(control)],
      [powerPart(control), trainingPart(control), adapterPart(control), safetyPart()],
    ];
    const parts = [alerts, ...columns.flat()];
    this.element = h(
      "div",
      { class: "view" },
      h("div", { class: "view-head" }, back, title),
      alerts.element,
      h(
        "div",
        { class: "columns" },
        ...columns.map((column) => h("div", { class: "column" }, ...column.map(({ element }) => element))),
      ),
    );
    this.#render = perFrame(() => {
      if (!this.element.isConnected) return;
      const nowMs = Date.now();
      setText(title, deviceName(this.#device, BOARDS));
      for (const part of parts) part.update(this.#device, this.#history, nowMs);
    });
    this.#ticker = window.setInterval(this.#render, TICK_MS);
    link.watch(deviceId);
  }

  accept(deviceId: string, path: string, text: string): void {
    if (deviceId !== this.#device.id) return;
    const nowMs = Date.now();
    const before = this.#device;
    this.#device = deviceAfter(before, path, text, nowMs);
    this.#history = historyAfter(this.#history, path, text, nowMs);
    if (before.isOnline === true && this.#device.isOnline === false) this.#history = withGap(this.#history, nowMs);
    this.#render();
  }

  /** A figure of the time before, oldest first; the device's clock may differ from this machine's. */
  acceptPast(path: string, text: string, atMs: number): void {
    this.#history = historyAfter(this.#history, path, text, Math.min(atMs, Date.now()));
    this.#render();
  }

  /** As {@link reset}, when the device tells its past anew. */
  forgetAll(): void {
    this.reset();
    this.#history = NO_HISTORY;
  }

  /** It is part of the page now. */
  shown(): void {
    this.#render();
  }

  reset(): void {
    this.#device = forgetRetained(this.#device);
    this.#history = withGap(this.#history, Date.now());
    this.#render();
  }

  /** The connection is lost: what is shown is old. */
  lost(): void {
    if (this.#device.isOnline !== false) this.#history = withGap(this.#history, Date.now());
    this.#device = { ...this.#device, isOnline: false };
    this.#render();
  }

  close(): void {
    clearInterval(this.#ticker);
  }
}
