import { execFileSync } from "node:child_process";
import { mkdirSync, statSync } from "node:fs";
import type { Page } from "playwright-core";
import { packageRoot } from "../src/core/built-file.ts";
import { delay, SystemClock } from "../src/core/clock.ts";
import { DESKTOP, PHONE, startBrowser, Visitor } from "../test/support/browser.ts";
import { DashboardDevice } from "../test/support/dashboard-device.ts";
import { SimulatedFleet } from "../test/support/simulated-fleet.ts";

/**
 * The pictures of docs/dashboard.md: the built service on the virtual board in the middle of a real training job, and a
 * fleet at a real broker. Needs `pngquant` (Debian), which makes them small. Usage, after `npm run build`:
 * npx tsx deploy/dashboard-screenshots.ts
 */
const OUT = `${packageRoot}docs/dashboard`;
/** A board that warms up while it trains; one reading in 5 s is what the device publishes. */
const WARMING_C = [46, 47, 49, 52, 55, 58, 60, 63, 65, 67, 68, 70, 71, 72, 73, 74, 74, 73, 73, 74];
const READING_MS = 5_500;

const clock = new SystemClock();
mkdirSync(OUT, { recursive: true });
await using device = await DashboardDevice.start(["governor.throttleC=72", "governor.resumeC=68"]);
const { service } = device;
await service.call("say", { text: "turn on the lights in the greenhouse", aloud: true });
for (const [i, celsius] of WARMING_C.entries()) {
  await service.call("setTempC", { celsius });
  await service.call("setInputW", { watts: 3.2 + Math.min(3, i * 0.4) + (i % 3) * 0.2 });
  if (i === 4) await service.call("trainNow", {});
  await delay(clock, READING_MS);
}
const browser = await startBrowser();
try {
  const { signInUrl } = await device.address();
  for (const colorScheme of ["light", "dark"] as const) {
    await using visitor = await Visitor.arrive(browser, { viewport: { width: 1180, height: 900 }, colorScheme });
    await visitor.page.goto(signInUrl);
    await visitor.sees("Microphone");
    await picture(visitor.page, `device-${colorScheme}`, true);
    if (colorScheme === "dark") continue;
    await visitor.press("My data", "link");
    await visitor.sees("Trained into adapter");
    await picture(visitor.page, "my-data", false);
  }
  {
    await using visitor = await Visitor.arrive(browser, { viewport: PHONE, colorScheme: "dark" });
    await visitor.page.goto(signInUrl);
    await visitor.sees("Microphone");
    await picture(visitor.page, "phone-dark", false);
  }
  await using _fleet = await SimulatedFleet.publish(device.broker.url, "asls", 300);
  await using visitor = await Visitor.arrive(browser, { viewport: { ...DESKTOP, height: 720 } });
  await visitor.page.goto(signInUrl);
  await visitor.press("Fleet", "link");
  await visitor.press("Connect");
  await visitor.sees("301 devices");
  await picture(visitor.page, "fleet", false);
} finally {
  await browser.close();
}

async function picture(page: Page, name: string, fullPage: boolean): Promise<void> {
  // Fonts, plots and the first messages are there after a second; nothing is measured here.
  await delay(clock, 1_500);
  const path = `${OUT}/${name}.png`;
  await page.screenshot({ path, fullPage });
  execFileSync("pngquant", ["--force", "--skip-if-larger", "--ext", ".png", "--quality", "70-95", path]);
  console.log(`${name}.png ${Math.round(statSync(path).size / 1000)} kB`);
}
