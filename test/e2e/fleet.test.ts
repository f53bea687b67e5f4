import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startBrowser, Visitor } from "../support/browser.ts";
import { DashboardDevice } from "../support/dashboard-device.ts";
import { SimulatedFleet } from "../support/simulated-fleet.ts";
import { StaticHost } from "../support/static-host.ts";

const FLEET = 1_000;
const SECRET = "xyzzy plugh";

/** The same files on another web server, over the WebSocket listener of a real Mosquitto: one real device among many. */
let device: DashboardDevice;
let fleet: SimulatedFleet;
let host: StaticHost;
let browser: Browser;
let visitor: Visitor;
let realId: string;
/** Every MQTT packet that the page received. */
const received: (string | Buffer)[] = [];

beforeAll(async () => {
  [device, browser] = await Promise.all([DashboardDevice.start(["model.enabled=false"]), startBrowser()]);
  fleet = await SimulatedFleet.publish(device.broker.url, "asls", FLEET);
  host = await StaticHost.start("dist/dashboard", "/some/where/");
  visitor = await Visitor.arrive(browser);
  visitor.page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => received.push(payload)));
  realId = (await device.said("availability", (text) => text === "online")).topic.split("/")[1] ?? "";
});

afterAll(async () => {
  await browser?.close();
  await fleet?.[Symbol.asyncDispose]();
  await host?.[Symbol.asyncDispose]();
  await device?.[Symbol.asyncDispose]();
});

const rows = () => visitor.page.locator("table.fleet tbody tr");
const firstRow = () => rows().first().textContent();

test("asks for a broker, and lists every device of it", async () => {
  await visitor.page.goto(host.url);
  await visitor.page.getByLabel("Broker address").fill("http://127.0.0.1:1");
  await visitor.press("Connect");
  await visitor.sees("The address has to start with ws:// or wss://.");
  await visitor.page.getByLabel("Broker address").fill(device.webSocketUrl);
  await visitor.press("Connect");
  await visitor.sees("Connected");
  await visitor.sees(`${FLEET + 1} devices`);
  expect(await rows().count()).toBe(50);
  await visitor.press("Next");
  await visitor.sees("51 to 100 of 1001");
  await visitor.press("Previous");
});

test("those with alerts come first; sorts by any column, and says so to screen readers", async () => {
  await expect.poll(firstRow).toContain("Mic lost");
  await visitor.press("Temp.");
  await expect.poll(firstRow).toContain("sim0077");
  expect(await visitor.page.locator("th[aria-sort=descending]").textContent()).toBe("Temp.");
  await visitor.press("Temp.");
  await expect.poll(firstRow).toContain("40 °C");
  expect(await visitor.page.locator("th[aria-sort=ascending]").textContent()).toBe("Temp.");
});

test("filters by text, state and alerts", async () => {
  await visitor.page.getByLabel("With alerts only").check();
  await visitor.sees("10 shown");
  await visitor.page.getByLabel("With alerts only").uncheck();
  await visitor.page.getByLabel("State").selectOption("offline");
  await visitor.sees("20 shown");
  await visitor.page.getByLabel("State").selectOption("");
  await visitor.page.getByLabel("Find").fill("sim0077");
  await expect.poll(() => rows().count()).toBe(1);
});

test("a change at a device is a change in its row", async () => {
  await fleet.say(77, "state", { phase: "fault", since: new Date().toISOString() });
  await expect.poll(firstRow).toContain("Not working");
  await fleet.say(77, "availability", "offline");
  await expect.poll(firstRow).toContain("Offline");
  await visitor.page.getByLabel("Find").fill("no such device");
  await visitor.sees("No device fits these filters.");
});

test("a device's own page, and its controls over the broker", async () => {
  await visitor.page.getByLabel("Find").fill(realId);
  await visitor.press(realId, "link");
  await visitor.sees("Microphone");
  await visitor.press("Microphone", "switch");
  await visitor.sees("The microphone is off.");
  expect(await device.service.call("status", {})).toMatchObject({ muted: true });
  await device.service.call("setTempC", { celsius: 91 });
  await visitor.sees("91 °C");
  await visitor.press("Fleet", "link");
  await visitor.sees(`${FLEET + 1} devices`);
});

test("a device that does not answer is told of", async () => {
  await visitor.page.goto(`${host.url}#/device/${SimulatedFleet.idOf(5)}`);
  await visitor.sees("Microphone");
  await visitor.press("Microphone", "switch");
  await visitor.sees("The device is offline, or the broker does not let this account ask for it.");
});

test("what users say is not listened to", async () => {
  await visitor.page.goto(`${host.url}#/device/${realId}`);
  await visitor.sees("Microphone");
  const from = device.position;
  await device.send("request/say", JSON.stringify({ text: SECRET, transaction: "t1" }));
  await device.said("response/say", (text) => text.includes('"t1"'), from);
  await device.said("request/say", (text) => text.includes(SECRET), from);
  expect(received.length).toBeGreaterThan(100);
  expect(received.some((payload) => payload.toString().includes(SECRET))).toBe(false);
});

test("a broker that was restarted: every device is there again", async () => {
  await visitor.press("Fleet", "link");
  await device.restartBroker(async () => visitor.sees("Reconnecting"));
  await visitor.sees("Connected");
  await visitor.sees(`${FLEET + 1} devices`);
});

test("no barriers; no request but to the web server and the broker; the password is not stored", async () => {
  expect(await visitor.barriers()).toEqual([]);
  const origins = [new URL(host.url).origin, new URL(device.webSocketUrl).origin];
  expect([...visitor.origins].sort()).toEqual(origins.sort());
  expect(await visitor.page.evaluate("localStorage.getItem('asls.broker')")).not.toContain("password");
});
