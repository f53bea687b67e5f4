import { readFile } from "node:fs/promises";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AdaptationStatus } from "../../src/adapt/adaptation-ports.ts";
import type { ProfileExport, ProfileSummary } from "../../src/profile/ports.ts";
import type { GovernorStatus } from "../../src/runtime/governor/governor-service.ts";
import { PHONE, startBrowser, Visitor } from "../support/browser.ts";
import { DashboardDevice } from "../support/dashboard-device.ts";
import { eventually } from "../support/eventually.ts";

/**
 * The page of the real service in a real browser. Every control is judged by what the service or the broker says
 * afterwards, and by what the page shows. One device and one visitor for all of it, in the order below.
 */
let device: DashboardDevice;
let browser: Browser;
let visitor: Visitor;

beforeAll(async () => {
  [device, browser] = await Promise.all([DashboardDevice.start(), startBrowser()]);
  visitor = await Visitor.arrive(browser);
});

afterAll(async () => {
  await browser?.close();
  await device?.[Symbol.asyncDispose]();
});

const profile = () => device.service.call("profileShow", { profile: null }) as Promise<ProfileSummary>;
const training = () => device.service.call("trainStatus", {}) as Promise<AdaptationStatus>;
const governor = () => device.service.call("governorStatus", {}) as Promise<GovernorStatus>;

describe("signing in", () => {
  test("without a token, and with a wrong one, there is nothing to see", async () => {
    const { url } = await device.address();
    await visitor.page.goto(`${url}#token=${"x".repeat(43)}`);
    await visitor.sees("This token is wrong.");
    await visitor.page.getByLabel("Token").fill("also wrong");
    await visitor.press("Sign in");
    await visitor.sees("This token is wrong.");
    expect(await visitor.page.getByText("Microphone").count()).toBe(0);
    expect((await visitor.page.request.get(`${url}api/me`)).status()).toBe(401);
    expect(visitor.complaints.every((complaint) => complaint.includes("401"))).toBe(true);
    visitor.complaints.length = 0;
  });

  test("the address of `asls dashboard url` opens it, and the token leaves the address bar", async () => {
    const { signInUrl } = await device.address();
    await visitor.page.goto("about:blank");
    await visitor.page.goto(signInUrl);
    await visitor.sees("Virtual board");
    await visitor.sees("Ready");
    expect(visitor.page.url()).not.toContain("token");
    await visitor.page.reload();
    await visitor.sees("Ready");
  });
});

describe("what it shows", () => {
  test("the last answer's stages, once there is one", async () => {
    await device.service.call("say", { text: "turn on the kitchen lights", aloud: true });
    await visitor.sees(/answered, by text/);
    await visitor.sees("to the first sound");
    await visitor.sees("Answered");
  });

  test("an alert with what to do, and that it is over", async () => {
    await device.service.call("plug", { plugged: false });
    await visitor.sees("E_MIC_LOST");
    await device.service.call("plug", { plugged: true });
    await visitor.misses("E_MIC_LOST");
  });

  test("the governor's reason in plain words", async () => {
    await device.service.call("setTempC", { celsius: 90 });
    await visitor.sees("Training waits: the board is too hot and has to cool down first.");
    await visitor.sees("90 °C");
    await device.service.call("setTempC", { celsius: 45 });
    await visitor.sees("Nothing holds training back.");
  });

  test("adapter versions with what their gates measured", async () => {
    const table = visitor.page.getByRole("region", { name: "Adapter versions" });
    await expect.poll(() => table.getByRole("row").count()).toBe(4);
    const [, inUse] = device.past.versions;
    const row = table.getByRole("row", { name: new RegExp(inUse.slice(2, 10)) });
    await expect
      .poll(() => row.textContent())
      .toMatch(/In use[\s\S]*32 conversations[\s\S]*24\.8 → 12\.4[\s\S]*\+1\.1 %[\s\S]*Passed/);
    await visitor.sees("no clear gain on the newest words");
  });
});

describe("every control does what it says", () => {
  test("microphone", async () => {
    await visitor.press("Microphone", "switch");
    await device.saidField("state", "mic_muted", true);
    expect(await device.service.call("status", {})).toMatchObject({ muted: true });
    await visitor.sees("The microphone is off.");
    const from = device.position;
    await visitor.press("Microphone", "switch");
    await device.saidField("state", "mic_muted", false, from);
    expect(await device.service.call("status", {})).toMatchObject({ muted: false });
  });

  test("thumbs", async () => {
    const before = (await profile()).signalCounts;
    await visitor.press("Good answer");
    await visitor.sees("Thank you: the rating is stored.");
    await visitor.press("Bad answer");
    await eventually(async () => ((await profile()).signalCounts.thumb_down ?? 0) > (before.thumb_down ?? 0));
    expect((await profile()).signalCounts.thumb_up).toBe((before.thumb_up ?? 0) + 1);
  });

  test("power mode and energy allowance", async () => {
    await visitor.page.getByLabel("Power mode").selectOption("quiet");
    await eventually(async () => (await governor()).mode === "quiet");
    await visitor.page.getByLabel("Energy for training a day (Wh)").fill("12.5");
    await visitor.press("Set");
    await eventually(async () => (await governor()).dailyWh === 12.5);
    await visitor.page.getByLabel("Energy for training a day (Wh)").fill("");
    await visitor.press("Set");
    await eventually(async () => (await governor()).dailyWh === null);
    await visitor.sees("no limit");
    await visitor.page.getByLabel("Power mode").selectOption("performance");
    await eventually(async () => (await governor()).mode === "performance");
  });

  test("learning: asked first, off for everybody, on again", async () => {
    await visitor.press(/Learning, for the whole/, "switch");
    await visitor.confirm("Cancel");
    await visitor.press(/Learning, for the whole/, "switch");
    await visitor.confirm("Switch off");
    await device.saidField("state", "learning_enabled", false);
    await visitor.sees("Learning is switched off for the household.");
    const from = device.position;
    await visitor.press(/Learning, for the whole/, "switch");
    await device.saidField("state", "learning_enabled", true, from);
  });

  test("training: pause, resume, start, watch, cancel", async () => {
    await visitor.press("Pause");
    await device.saidField("training", "reason", "paused");
    await visitor.sees("Paused until you resume it.");
    const from = device.position;
    await visitor.press("Resume");
    await device.said("training", (text) => text !== "" && !text.includes('"reason":"paused"'), from);
    await visitor.press("Train now");
    await visitor.sees("The training is queued.");
    await eventually(async () => (await training()).job !== null);
    await visitor.page.getByRole("progressbar", { name: "Progress" }).waitFor();
    await visitor.press("Cancel");
    await visitor.confirm("Cancel training");
    await eventually(async () => (await training()).job === null);
    expect((await training()).lastFull?.failure).toBe("cancelled");
    await visitor.sees(/the last one stopped: it was cancelled/);
  });

  test("adapter: roll back, and use the newer one again; the refused one cannot be used", async () => {
    const [older, inUse, refused] = device.past.versions;
    await visitor.press("Roll back");
    await visitor.page.getByRole("dialog").getByRole("button", { name: "Roll back" }).click();
    await device.saidField("adapter", "installed_version", older);
    expect(await device.service.call("status", {})).toMatchObject({ adapter: older });
    const from = device.position;
    await visitor.press(`Use version ${inUse.slice(2, 10)}`);
    await visitor.confirm("Use it");
    await device.saidField("adapter", "installed_version", inUse, from);
    expect(await device.service.call("status", {})).toMatchObject({ adapter: inUse });
    expect(await visitor.page.getByRole("button", { name: `Use version ${refused.slice(2, 10)}` }).count()).toBe(0);
  });

  test("consent: withdrawn at once", async () => {
    await visitor.press("Withdraw: Train on them");
    await visitor.confirm("Withdraw");
    await eventually(async () => !(await profile()).consent.train);
    await visitor.sees("The consent is withdrawn.");
    const { consent, consentHistory } = await profile();
    expect(consent.store).toBe(true);
    expect(consentHistory.at(-1)).toMatchObject({ purpose: "train", granted: false, origin: "dashboard" });
  });

  test("what cannot be done is told with why: no consent, no training", async () => {
    await visitor.press("Train now");
    const alert = visitor.page.getByRole("alert").filter({ hasText: "It cannot train now." });
    await alert.waitFor();
    expect(await alert.textContent()).toContain("training is not allowed");
    await alert.getByRole("button", { name: "Dismiss" }).click();
    await alert.waitFor({ state: "detached" });
  });
});

describe("my data", () => {
  test("facts are shown with their source, changed and deleted", async () => {
    await visitor.press("My data", "link");
    await visitor.sees("The user is allergic to hazelnuts.");
    await visitor.sees(/From “call me Maggie”/);
    await visitor.press("Change: The user's name is Maggie.");
    await visitor.page.getByLabel("Statement").fill("The user's name is Margaret.");
    await visitor.page.getByLabel("Value").fill("Margaret");
    await visitor.confirm("Save");
    await visitor.sees("The user's name is Margaret.");
    await visitor.press("Delete: The user is allergic to hazelnuts.");
    await visitor.confirm("Delete");
    await visitor.sees("The fact is deleted.");
    const { facts } = await profile();
    expect(facts.map(({ statement }) => statement)).toEqual(
      expect.arrayContaining(["The user's name is Margaret.", "The user wants temperatures in Celsius."]),
    );
    expect(facts.map(({ value }) => value)).not.toContain("hazelnuts");
  });

  test("a conversation is deleted with what was learned from it", async () => {
    const before = (await profile()).interactionCount;
    const talk = visitor.page.locator(".talks > li", { hasText: "set a timer for ten minutes" }).first();
    await expect.poll(() => talk.textContent()).toContain("It did what you asked");
    await talk.getByRole("button").click();
    await visitor.confirm("Delete");
    await visitor.sees("The conversation is deleted.");
    expect((await profile()).interactionCount).toBe(before - 1);
    await visitor.press("Show older ones");
    await expect.poll(() => visitor.page.locator(".talks > li").count()).toBe(before - 1);
  });

  test("the export is the whole profile", async () => {
    const [download] = await Promise.all([
      visitor.page.waitForEvent("download"),
      visitor.press("Export everything", "link"),
    ]);
    const exported = JSON.parse(await readFile(await download.path(), "utf8")) as ProfileExport;
    const { profile: summary, interactions } = (await device.service.call("profileExport", {
      profile: null,
    })) as ProfileExport;
    expect(exported.format).toBe("asls-profile");
    expect(exported.profile.facts).toEqual(summary.facts);
    expect(exported.interactions).toEqual(interactions);
  });
});

describe("it recovers", () => {
  test("from a restart of the device, which its button asks for", async () => {
    await visitor.press("This device", "link");
    await visitor.press("Restart");
    await visitor.confirm("Restart");
    await visitor.sees("Reconnecting");
    await visitor.sees("Offline");
    expect(await device.service.ended()).toBe(75);
    await device.startAgain();
    await visitor.sees("Connected");
    await visitor.sees("Ready");
    await device.service.call("say", { text: "hello", aloud: false });
    await visitor.sees(/answered, by text, just now/);
  });

  test("from a restart of the broker: it is an alert meanwhile, and the controls go on working", async () => {
    await device.restartBroker(async () => {
      await visitor.sees("E_MQTT_UNREACHABLE");
      await visitor.press("Microphone", "switch");
      await visitor.sees("The microphone is off.");
      expect(await device.service.call("status", {})).toMatchObject({ muted: true });
    });
    await visitor.misses("E_MQTT_UNREACHABLE");
    await device.saidField("state", "mic_muted", true);
  });
});

describe("for everybody", () => {
  test.each(["light", "dark"] as const)("no barriers in %s colours, on any view", async (colorScheme) => {
    await using other = await Visitor.arrive(browser, { colorScheme });
    await other.page.goto((await device.address()).signInUrl);
    for (const [link, text] of [
      ["This device", "Microphone"],
      ["My data", "What it knows about me"],
      ["Fleet", "Connect to a broker"],
    ] as const) {
      await other.press(link, "link");
      await other.sees(text);
      expect(await other.barriers()).toEqual([]);
    }
  });

  test("a phone shows all of it without sideways scrolling", async () => {
    await using phone = await Visitor.arrive(browser, { viewport: PHONE });
    await phone.page.goto((await device.address()).signInUrl);
    for (const [link, text] of [
      ["This device", "Roll back"],
      ["My data", "Forget me"],
      ["Fleet", "Connect"],
    ] as const) {
      await phone.press(link, "link");
      await phone.sees(text);
      expect(await phone.overflowPx()).toBe(0);
    }
  });

  test("the keyboard is enough: skip link, tabs, switch, dialog and its escape", async () => {
    await using other = await Visitor.arrive(browser);
    const { page } = other;
    await page.goto((await device.address()).signInUrl);
    await other.sees("Microphone");
    await page.keyboard.press("Tab");
    const focused = () => page.evaluate("document.activeElement.textContent") as Promise<string>;
    expect(await focused()).toBe("Skip to the content");
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("This device");
    await page.getByRole("button", { name: "Restart" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await focused()).toBe("Restart");
  });
});

test("forgetting is typed, and leaves nothing", async () => {
  await visitor.press("My data", "link");
  await visitor.press("Forget me");
  const go = visitor.page.getByRole("dialog").getByRole("button", { name: "Forget me" });
  expect(await go.isDisabled()).toBe(true);
  await visitor.page.getByLabel("Type forget to confirm").fill("forget");
  await go.click();
  await visitor.sees(/^Forgotten: \d+ rows.*Checked: nothing of it is left\.$/);
  const profiles = (await device.service.call("profileList", {})) as { id: string; interactionCount: number }[];
  expect(profiles.map(({ id }) => id)).not.toContain(device.past.profileId);
  expect(profiles.every(({ interactionCount }) => interactionCount === 0)).toBe(true);
  await device.said(`profiles/${device.past.profileId}`, (text) => text === "");
});

test("in all of this no request left the device, and the page never complained", () => {
  const own = visitor.page.url().split("/").slice(0, 3).join("/");
  expect([...visitor.origins]).toEqual([own]);
  const isOffline = (complaint: string) => /Failed to load resource|ERR_(CONNECTION|EMPTY|INCOMPLETE)/.test(complaint);
  expect(visitor.complaints.filter((complaint) => !isOffline(complaint))).toEqual([]);
});
