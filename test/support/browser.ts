import AxeSource from "axe-core";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

/** Debian's package chromium. */
const CHROMIUM = "/usr/bin/chromium";
const ARGUMENTS = [
  "--no-sandbox",
  "--headless",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
/** How long an element may take to appear, ms. The test's own time limit is the longer one. */
const SOON_MS = 20_000;

export const PHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1280, height: 900 };

/** One visitor: a browser profile of its own, and a note of everything it asked for and complained about. */
export class Visitor implements AsyncDisposable {
  readonly page: Page;
  /** Origins of every request, WebSockets included. */
  readonly origins = new Set<string>();
  /** Errors of the page's console, and exceptions that nobody caught. */
  readonly complaints: string[] = [];
  readonly #context: BrowserContext;

  private constructor(context: BrowserContext, page: Page) {
    this.#context = context;
    this.page = page;
  }

  static async arrive(
    browser: Browser,
    { viewport = DESKTOP, colorScheme = "light" }: { viewport?: typeof DESKTOP; colorScheme?: "light" | "dark" } = {},
  ): Promise<Visitor> {
    const context = await browser.newContext({ viewport, colorScheme, reducedMotion: "reduce", acceptDownloads: true });
    const page = await context.newPage();
    page.setDefaultTimeout(SOON_MS);
    const visitor = new Visitor(context, page);
    page.on("request", (request) => visitor.origins.add(new URL(request.url()).origin));
    page.on("websocket", (socket) => visitor.origins.add(new URL(socket.url()).origin));
    page.on("pageerror", (error) => visitor.complaints.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") visitor.complaints.push(message.text());
    });
    return visitor;
  }

  /** Waits for that text anywhere on the page. */
  async sees(text: string | RegExp): Promise<void> {
    await this.page.getByText(text).first().waitFor();
  }

  /** Waits until that text is nowhere on the page. */
  async misses(text: string): Promise<void> {
    await this.page.getByText(text).first().waitFor({ state: "detached" });
  }

  /** Clicks the button or switch of that name. */
  async press(name: string | RegExp, role: "button" | "switch" | "link" = "button"): Promise<void> {
    await this.page
      .getByRole(role, { name, exact: typeof name === "string" })
      .first()
      .click();
  }

  /** In the dialog that stands open. */
  async confirm(name: string): Promise<void> {
    await this.page.getByRole("dialog").getByRole("button", { name, exact: true }).click();
  }

  /** What axe-core finds wrong for users of assistive technology: rule and the element. WCAG 2.1 A and AA. */
  async barriers(): Promise<string[]> {
    await this.page.evaluate(AxeSource.source);
    const script = `axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] })
      .then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) =>
        id + ": " + html.slice(0, 160) + " " + failureSummary)))`;
    return (await this.page.evaluate(script)) as string[];
  }

  /** Pixels by which the page is wider than the window. */
  async overflowPx(): Promise<number> {
    const script = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    return (await this.page.evaluate(script)) as number;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.close();
  }
}

/** Chromium with a profile folder of its own, which goes with it. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });
}
