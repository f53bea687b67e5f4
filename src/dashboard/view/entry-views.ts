import { ApiError, signIn } from "../link/api.ts";
import type { BrokerAddress } from "../link/broker-link.ts";
import { h, icon, setText, show, uniqueId } from "./dom.ts";

const STORED = "asls.broker";

interface Form {
  readonly element: HTMLElement;
  readonly error: (text: string) => void;
}

function form(
  title: string,
  intro: readonly (Node | string)[],
  fields: HTMLElement[],
  action: string,
  submit: () => void,
): Form {
  const error = h("p", { class: "form-error", role: "alert" });
  error.hidden = true;
  const body = h(
    "form",
    { class: "card entry" },
    h("h1", { tabindex: -1 }, title),
    h("p", { class: "soft" }, ...intro),
    ...fields,
    error,
    h("button", { type: "submit", class: "button primary" }, action),
  );
  body.addEventListener("submit", (event) => {
    event.preventDefault();
    show(error, false);
    submit();
  });
  return {
    element: h("div", { class: "view view-entry" }, body),
    error: (text) => {
      setText(error, text);
      show(error, true);
    },
  };
}

function field(label: string, input: HTMLInputElement, note = ""): HTMLElement {
  input.id ||= uniqueId("field");
  const noteId = uniqueId("note");
  if (note !== "") input.setAttribute("aria-describedby", noteId);
  return h(
    "div",
    { class: "field" },
    h("label", { for: input.id }, label),
    input,
    note === "" ? null : h("p", { class: "soft", id: noteId }, note),
  );
}

/** Asks for the token of this device. @param firstError shown at once, e.g. that the link's token was wrong. */
export function signInView(firstError: string, onSignedIn: () => void): HTMLElement {
  const token = h("input", { type: "password", required: true, autocomplete: "current-password", spellcheck: "false" });
  const view = form(
    "Sign in to this device",
    ["Open the address that ", h("code", {}, "asls dashboard url"), " prints on the device, or paste its token here."],
    [field("Token", token)],
    "Sign in",
    () => {
      signIn(token.value.trim()).then(onSignedIn, (error: unknown) => {
        view.error(signInProblem(error));
        token.select();
      });
    },
  );
  if (firstError !== "") view.error(firstError);
  return view.element;
}

export function signInProblem(error: unknown): string {
  return error instanceof ApiError ? `${error.message}. ${error.hint}` : "The device cannot be reached.";
}

/** Asks for a broker; remembers all but the password, which is kept until the tab is closed. */
export function brokerView(
  fixedUrl: string | null,
  message: string,
  onAddress: (address: BrokerAddress) => void,
): HTMLElement {
  const stored = storedAddress();
  const url = h("input", {
    type: "url",
    required: true,
    value: fixedUrl ?? stored.url,
    placeholder: "wss://broker.example:8884",
    autocomplete: "url",
  });
  url.readOnly = fixedUrl !== null;
  const base = h("input", {
    type: "text",
    required: true,
    value: stored.baseTopic,
    pattern: "[a-z0-9_\\-]+(/[a-z0-9_\\-]+)*",
    autocomplete: "off",
  });
  const user = h("input", { type: "text", value: stored.username, autocomplete: "username" });
  const password = h("input", { type: "password", autocomplete: "current-password" });
  const view = form(
    "Connect to a broker",
    ["This page reads the devices of any MQTT broker that has a WebSocket listener."],
    [
      field(
        "Broker address",
        url,
        fixedUrl === null ? "Starts with ws:// or wss://" : "Set by dashboard.brokerUrl of this device.",
      ),
      field("Base topic", base),
      field("User", user, "Empty if the broker has no accounts."),
      field("Password", password, "Not stored; forgotten when this tab is closed."),
    ],
    "Connect",
    () => {
      if (!/^wss?:\/\//.test(url.value)) return view.error("The address has to start with ws:// or wss://.");
      const address = { url: url.value, baseTopic: base.value, username: user.value, password: password.value };
      rememberAddress(address);
      onAddress(address);
    },
  );
  if (message !== "") view.error(message);
  return view.element;
}

/** The fleet page of a device that was not told where its broker's WebSocket listener is. */
export function noFleetView(): HTMLElement {
  return h(
    "div",
    { class: "view view-entry" },
    h(
      "div",
      { class: "card entry" },
      h("h1", { tabindex: -1 }, "Fleet"),
      h(
        "p",
        {},
        icon("fleet"),
        "To see other devices here, tell this one where your MQTT broker listens for WebSockets:",
      ),
      h("pre", {}, "dashboard:\n  brokerUrl: wss://broker.example:8884"),
      h("p", { class: "soft" }, "Or host the same page elsewhere: docs/dashboard.md says how."),
    ),
  );
}

/** The address of the last connection in this tab, with its password; null when there is none. */
export function addressOfTab(): BrokerAddress | null {
  const text = sessionStorage.getItem(STORED);
  return text === null ? null : { ...storedAddress(), password: text };
}

export function forgetTab(): void {
  sessionStorage.removeItem(STORED);
}

function rememberAddress({ password, ...rest }: BrokerAddress): void {
  localStorage.setItem(STORED, JSON.stringify(rest));
  sessionStorage.setItem(STORED, password);
}

function storedAddress(): BrokerAddress {
  const first = { url: "", baseTopic: "asls", username: "", password: "" };
  try {
    const stored = JSON.parse(localStorage.getItem(STORED) ?? "{}") as Record<string, unknown>;
    const text = (name: keyof BrokerAddress) => (typeof stored[name] === "string" ? stored[name] : first[name]);
    return { ...first, url: text("url"), baseTopic: text("baseTopic"), username: text("username") };
  } catch {
    return first;
  }
}
