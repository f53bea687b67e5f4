import { integer, integerOrNone, oneOf, text, yesNo } from "../config-key.ts";

const line = (doc: string) => integerOrNone({ min: 0, max: 1023, default: null, doc });

const key = (button: string, code: number) =>
  integer({
    min: 1,
    max: 767,
    default: code,
    doc: `Key code of the ${button} button for the evdev backend: the \`keycode\` of its gpio-key overlay.`,
  });

export const buttonsSection = {
  backend: oneOf(["auto", "onoff", "gpiod", "evdev", "virtual", "none"], {
    default: "auto",
    doc: "How buttons are read. auto takes sysfs (onoff), the GPIO character device or a gpio-keys input, whichever works.",
  }),
  chipLabel: text({
    default: "",
    pattern: /^[\w.-]*$/,
    accepts: "chip label of letters, digits and . _ -",
    doc: "GPIO chip by label, as `gpioinfo` shows it, e.g. pinctrl-rp1. Empty: the first chip.",
  }),
  talkLine: line("Line of the talk button on that chip (on a Raspberry Pi the BCM number). null: no such button."),
  upLine: line("Line of the thumb-up button. null: no such button."),
  downLine: line("Line of the thumb-down button. null: no such button."),
  activeLow: yesNo({ default: true, doc: "A pressed button reads 0 (wired to ground with a pull-up)." }),
  debounceMs: integer({ min: 0, max: 200, default: 20, doc: "Edges closer together than this (ms) are one." }),
  holdMs: integer({ min: 500, max: 10_000, default: 1_500, doc: "Pressed this long (ms) is a hold." }),
  doubleMs: integer({
    min: 100,
    max: 1_000,
    default: 350,
    doc: "A second press of up or down within this time (ms) is a double press (MQTT only); talk never waits for one.",
  }),
  evdevName: text({
    default: "gpio-keys",
    doc: "Name of the input device for the evdev backend, or its beginning (the gpio-key overlay names them `button@11`).",
  }),
  talkKey: key("talk", 582),
  upKey: key("thumb-up", 103),
  downKey: key("thumb-down", 108),
};

export const ledSection = {
  line: line("Line of the status light on buttons.chipLabel. null: no light."),
  activeLow: yesNo({ default: false, doc: "The light is on when the line is 0." }),
};
