import { expect, test } from "vitest";
import { asciiText, speakableText } from "../../../../src/runtime/output/speakable-text.ts";

test.each([
  ["It is 21.5 °C outside.", "It is 21.5 degrees Celsius outside."],
  ["Turn it 90°.", "Turn it 90 degrees."],
  ["Set it to 40%.", "Set it to 40 percent."],
  ["It is -5°C.", "It is minus 5 degrees Celsius."],
  ["Between 10-12 people", "Between 10-12 people"],
  ["Wind at 30 km/h.", "Wind at 30 kilometers per hour."],
  ["It drew 60W & 1.2 kWh.", "It drew 60 watts and 1.2 kilowatt hours."],
  ["It cost €12.50.", "It cost 12.50 euros."],
  ["**Sure!** The `kitchen` light is on.", "Sure! The kitchen light is on."],
  ["- Open the [door](https://example.org/x).", "Open the door."],
  ["See https://example.org/a?b=c for more", "See a link for more"],
  ["Nice 👍🏽 work ☀️.", "Nice work."],
  ["Yes — of course…", "Yes, of course..."],
  ["“Hi,” she said: it’s on.", '"Hi," she said: it\'s on.'],
  ["...", ""],
  ["🙂", ""],
])("%j is said as %j", (written, spoken) => {
  expect(speakableText(written)).toBe(spoken);
});

test("marks are taken off Latin letters and what flite cannot read is dropped", () => {
  expect(asciiText("naïve Zoë, Straße, 日本 café")).toBe("naive Zoe, Strasse, cafe");
});
