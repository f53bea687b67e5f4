type Child = Node | string | null;

interface Properties {
  readonly [name: string]: string | number | boolean | null | ((event: Event) => void);
}

/**
 * An element with attributes, listeners (functions, by event name) and children. Strings become text nodes: nothing on
 * this page is ever parsed as HTML.
 */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Properties = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** A symbol of the sprite in index.html; decoration only, so that screen readers skip it. */
export function icon(name: string): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** Writes only what changes, so that nothing is laid out or read aloud anew for nothing. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(element: Element, name: string, value: string | null): void {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

export function show(element: HTMLElement, isShown: boolean): void {
  if (element.hidden === isShown) element.hidden = !isShown;
}

/** A part of a list, kept while its key stays. */
export interface Row<Item> {
  readonly element: HTMLElement;
  update(item: Item): void;
}

/** Children of a container by key: what stays keeps its element, and with it focus and selection. */
export class KeyedList<Item> {
  readonly #container: HTMLElement;
  readonly #keyOf: (item: Item) => string;
  readonly #make: (item: Item) => Row<Item>;
  #rows = new Map<string, Row<Item>>();

  constructor(container: HTMLElement, keyOf: (item: Item) => string, make: (item: Item) => Row<Item>) {
    this.#container = container;
    this.#keyOf = keyOf;
    this.#make = make;
  }

  update(items: readonly Item[]): void {
    const rows = new Map<string, Row<Item>>();
    for (const item of items) {
      const key = this.#keyOf(item);
      const row = this.#rows.get(key) ?? this.#make(item);
      row.update(item);
      rows.set(key, row);
    }
    for (const [key, row] of this.#rows) if (!rows.has(key)) row.element.remove();
    let next = this.#container.firstElementChild;
    for (const { element } of rows.values()) {
      if (element === next) next = next.nextElementSibling;
      else this.#container.insertBefore(element, next);
    }
    this.#rows = rows;
  }
}

let lastId = 0;

/** For labels and descriptions. */
export function uniqueId(prefix: string): string {
  lastId += 1;
  return `${prefix}-${lastId}`;
}

/** A part of the page with its heading. */
export function card(title: string, kind: string, ...children: Child[]): HTMLElement {
  const id = uniqueId("heading");
  return h(
    "section",
    { class: `card card-${kind}`, "aria-labelledby": id },
    h("h2", { id, class: "card-title" }, title),
    ...children,
  );
}

/** Runs at most once a frame, however often it is asked for. */
export function perFrame(work: () => void): () => void {
  let isAsked = false;
  return () => {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(() => {
      isAsked = false;
      work();
    });
  };
}
