import { VirtualLed } from "../../src/sensors/virtual-led.ts";
import { describeWhen } from "../support/describe-when.ts";
import { statusLedContract } from "./status-led.ts";

describeWhen(null, "virtual light", () => {
  statusLedContract(async () => {
    const led = new VirtualLed();
    return { led, isLit: () => led.isOn };
  });
});
