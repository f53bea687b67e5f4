import { integer, integerOrNone, oneOf, text, yesNo } from "../config-key.ts";

const line = (doc: string) => integerOrNone({ min: 0, max: 1023, default: null, doc });

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
    doc: "A second press within this time (ms) makes a double press; a single press waits this long.",
  }),
  evdevName: text({
    default: "gpio-keys",
    doc: "Name of the input device for the evdev backend, as in /proc/bus/input/devices.",
  }),
};

export const ledSection = {
  line: line("Line of the status light on buttons.chipLabel. null: no light."),
  activeLow: yesNo({ default: false, doc: "The light is on when the line is 0." }),
};
