import { type ServedBy, servedBy, signIn } from "./link/api.ts";
import { type BrokerAddress, BrokerLink } from "./link/broker-link.ts";
import { DeviceLink } from "./link/device-link.ts";
import type { Link, LinkStatus } from "./link/link.ts";
import { Fleet } from "./model/fleet.ts";
import { DeviceView } from "./view/device-view.ts";
import { h, icon, setAttribute, setText } from "./view/dom.ts";
import { addressOfTab, brokerView, forgetTab, noFleetView, signInProblem, signInView } from "./view/entry-views.ts";
import { FleetView } from "./view/fleet-view.ts";
import { Notices } from "./view/notices.ts";
import { OwnDataView } from "./view/own-data-view.ts";
import { themeButton } from "./view/theme.ts";

const STATUS_TEXT: Readonly<Record<LinkStatus["kind"], string>> = {
  connecting: "Connecting",
  connected: "Connected",
  lost: "Reconnecting",
  refused: "Not signed in",
};

interface View {
  readonly element: HTMLElement;
  close(): void;
}

/** The page: which view is shown, and what it is connected to. */
class App {
  readonly #main: HTMLElement;
  readonly #nav: HTMLElement;
  readonly #status = h("span", { class: "link-status", role: "status" });
  readonly #notices = new Notices();
  readonly #fleet = new Fleet();
  #served: ServedBy | null = null;
  #link: Link | null = null;
  #broker: BrokerLink | null = null;
  #brokerProblem = "";
  #view: View | null = null;
  /** Of the device that serves the page: kept while another view is shown, so that its plots go on. */
  #ownView: DeviceView | null = null;

  constructor(main: HTMLElement, nav: HTMLElement, tools: HTMLElement) {
    this.#main = main;
    this.#nav = nav;
    tools.append(this.#status, themeButton());
    document.body.append(this.#notices.element);
    addEventListener("hashchange", () => this.#route(true));
  }

  async start(): Promise<void> {
    this.#served = await servedBy();
    let problem = "";
    const token = new URLSearchParams(location.hash.slice(1)).get("token");
    if (token !== null) {
      // Out of the address bar and the history at once, whatever comes of it.
      history.replaceState(null, "", `${location.pathname}#/`);
      if (this.#served !== null) {
        try {
          await signIn(token);
          this.#served = await servedBy();
        } catch (error) {
          problem = signInProblem(error);
        }
      }
    }
    if (this.#served !== null && !this.#served.isSignedIn) return this.#showSignIn(problem);
    if (this.#served !== null) this.#openDevice(this.#served.deviceId);
    else this.#openTabsBroker();
    this.#route(false);
  }

  #showSignIn(problem: string): void {
    this.#show({ element: signInView(problem, () => void this.start()), close: () => {} }, true);
    this.#nav.replaceChildren();
    this.#showStatus({ kind: "refused" });
  }

  #openDevice(deviceId: string): void {
    this.#link?.close();
    this.#link = new DeviceLink(deviceId, {
      message: (id, path, payload) => this.#ownView?.accept(id, path, payload),
      past: (path, payload, atMs) => this.#ownView?.acceptPast(path, payload, atMs),
      reset: () => this.#ownView?.forgetAll(),
      status: (status) => {
        this.#showStatus(status);
        if (status.kind === "lost") this.#ownView?.lost();
        if (status.kind === "refused") this.#showSignIn("Sign in again: this session has ended.");
      },
    });
    this.#ownView?.close();
    this.#ownView = new DeviceView(this.#link, deviceId, this.#notices, null, null);
  }

  #openTabsBroker(): void {
    const address = addressOfTab();
    if (address !== null) this.#openBroker(address);
    else if (this.#served === null) setText(this.#status, "Not connected");
  }

  #openBroker(address: BrokerAddress): void {
    this.#closeBroker();
    this.#brokerProblem = "";
    this.#broker = new BrokerLink(address, {
      message: (id, path, payload) => {
        this.#fleet.accept(id, path, payload, Date.now());
        if (this.#view instanceof FleetView) this.#view.changed();
        if (this.#view instanceof DeviceView && this.#view !== this.#ownView) this.#view.accept(id, path, payload);
      },
      past: () => {},
      reset: () => {
        this.#fleet.clear();
        if (this.#view instanceof DeviceView && this.#view !== this.#ownView) this.#view.reset();
      },
      status: (status) => {
        if (this.#served === null) this.#showStatus(status);
        if (status.kind !== "refused") return;
        forgetTab();
        this.#broker = null;
        this.#brokerProblem = "The broker does not accept this user and password.";
        this.#route(false);
      },
    });
  }

  #closeBroker(): void {
    this.#broker?.close();
    this.#broker = null;
    this.#fleet.clear();
  }

  #route(isFocused: boolean): void {
    if (this.#served !== null && !this.#served.isSignedIn) return;
    const [, page = "", id = ""] = location.hash.split("/");
    this.#show(this.#viewOf(page, decodeURIComponent(id)), isFocused);
    this.#drawNav(page);
  }

  #viewOf(page: string, id: string): View {
    const fixed = (element: HTMLElement): View => ({ element, close: () => {} });
    if (this.#served !== null) {
      if (page === "data") return new OwnDataView(this.#notices);
      const isOwn = page !== "fleet" && (page !== "device" || id === this.#served.deviceId);
      if (isOwn && this.#ownView !== null) return this.#ownView;
      if (this.#served.brokerUrl === null) return fixed(noFleetView());
      if (this.#broker === null) this.#openTabsBroker();
    }
    if (this.#broker === null) {
      const onAddress = (address: BrokerAddress) => {
        this.#openBroker(address);
        this.#route(true);
      };
      return fixed(brokerView(this.#served?.brokerUrl ?? null, this.#brokerProblem, onAddress));
    }
    if (page !== "device") return new FleetView(this.#fleet);
    const back = h("a", { href: "#/fleet", class: "back" }, icon("back"), "Fleet");
    return new DeviceView(this.#broker, id, this.#notices, this.#fleet.device(id), back);
  }

  #show(view: View, isFocused: boolean): void {
    if (this.#view !== this.#ownView) this.#view?.close();
    if (!(view instanceof DeviceView) || view === this.#ownView) this.#broker?.watch(null);
    this.#view = view;
    this.#main.replaceChildren(view.element);
    if (view instanceof DeviceView) view.shown();
    const heading = view.element.querySelector("h1");
    document.title = `${heading?.textContent || "Device"} – asls`;
    if (isFocused) heading?.focus();
  }

  #drawNav(page: string): void {
    const isFleet = page === "fleet" || (page === "device" && this.#served === null);
    const tabs =
      this.#served === null
        ? [{ href: "#/fleet", text: "Fleet", isCurrent: true }]
        : [
            { href: "#/", text: "This device", isCurrent: !isFleet && page !== "data" },
            { href: "#/data", text: "My data", isCurrent: page === "data" },
            { href: "#/fleet", text: "Fleet", isCurrent: isFleet },
          ];
    const links = tabs.map(({ href, text, isCurrent }) =>
      h("a", { href, "aria-current": isCurrent ? "page" : null }, text),
    );
    const leave = h("button", { type: "button", class: "button quiet" }, "Disconnect");
    leave.addEventListener("click", () => {
      forgetTab();
      this.#closeBroker();
      setText(this.#status, this.#served === null ? "Not connected" : "Connected");
      this.#route(true);
    });
    this.#nav.replaceChildren(...links, ...(this.#broker !== null && isFleet ? [leave] : []));
  }

  #showStatus({ kind }: LinkStatus): void {
    setText(this.#status, STATUS_TEXT[kind]);
    setAttribute(this.#status, "data-status", kind);
  }
}

const [main, nav, tools] = ["main", "nav", "tools"].map((id) => document.getElementById(id));
if (main != null && nav != null && tools != null) void new App(main, nav, tools).start();
