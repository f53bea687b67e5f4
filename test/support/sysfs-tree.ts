import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { BoardAccess } from "../../src/sensors/board/ports.ts";
import { makeTempDir, type TempDir } from "./temp-dir.ts";

/** Files by path below the root, e.g. `sys/class/hwmon/hwmon2/name`; a line end is added as kernels do. */
export type TreeFiles = Readonly<Record<string, string | number>>;
/** Output by command line, e.g. `vcgencmd get_throttled`. Any other command is missing. */
export type Commands = Record<string, string>;

/** A machine's `/sys` and `/proc` in a folder of its own, and the commands it has. */
export class SysfsTree implements AsyncDisposable {
  readonly folder: TempDir;
  readonly commands: Commands;

  private constructor(folder: TempDir, commands: Commands) {
    this.folder = folder;
    this.commands = commands;
  }

  static async make(files: TreeFiles, commands: Commands = {}): Promise<SysfsTree> {
    const tree = new SysfsTree(await makeTempDir("sysfs"), commands);
    await tree.write(files);
    return tree;
  }

  get access(): BoardAccess {
    return {
      sysDir: this.folder.join("sys"),
      procDir: this.folder.join("proc"),
      run: async (command, args) => {
        const output = this.commands[[command, ...args].join(" ")];
        if (output === undefined) throw new Error(`${command}: not found`);
        return output;
      },
    };
  }

  async write(files: TreeFiles): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(this.folder.join(path)), { recursive: true });
      await writeFile(this.folder.join(path), `${text}\n`);
    }
  }

  async remove(path: string): Promise<void> {
    await rm(this.folder.join(path), { recursive: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.folder.dispose();
  }
}

/** What every Linux has: 2048 MiB available, no pressure. */
const LINUX: TreeFiles = {
  "proc/meminfo": "MemTotal:        4194304 kB\nMemFree:          204800 kB\nMemAvailable:    2097152 kB",
  "proc/pressure/memory":
    "some avg10=0.00 avg60=0.12 avg300=0.05 total=12345\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=678",
  "proc/stat": "cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 100 0 50 800 50 0 0 0 0 0\nintr 1",
};

/** Zone 0 is a battery's, as test_power registers one; the monitors are in an order that helps nobody. */
export const RASPBERRY_PI_5: TreeFiles = {
  ...LINUX,
  "sys/firmware/devicetree/base/model": "Raspberry Pi 5 Model B Rev 1.0\0",
  "sys/class/thermal/thermal_zone0/type": "test_battery",
  "sys/class/thermal/thermal_zone0/temp": 26_000,
  "sys/class/thermal/thermal_zone1/type": "cpu-thermal",
  "sys/class/thermal/thermal_zone1/temp": 61_700,
  "sys/class/thermal/cooling_device0/type": "pwm-fan",
  "sys/class/hwmon/hwmon0/name": "rp1_adc",
  "sys/class/hwmon/hwmon1/name": "pwmfan",
  "sys/class/hwmon/hwmon2/name": "cpu_thermal",
  "sys/class/hwmon/hwmon2/temp1_input": 61_700,
  "sys/class/hwmon/hwmon3/name": "rpi_volt",
  "sys/class/hwmon/hwmon3/in0_lcrit_alarm": 0,
};

/** Rails of a Pi 5 at 2.5 W; layout of `vcgencmd pmic_read_adc`, values of our own. */
export const PMIC_OUTPUT = [
  "   3V3_SYS_A current(1)=0.10000000A",
  "   1V8_SYS_A current(2)=0.20000000A",
  "  VDD_CORE_A current(7)=2.00000000A",
  "   3V3_SYS_V volt(9)=3.30000000V",
  "   1V8_SYS_V volt(10)=1.80000000V",
  "  VDD_CORE_V volt(15)=0.90500000V",
  "     EXT5V_V volt(24)=5.10000000V",
  "      BATT_V volt(25)=0.00600000V",
].join("\n");

/** An Orin Nano under JetPack 6. */
export const JETSON_ORIN: TreeFiles = {
  ...LINUX,
  "sys/firmware/devicetree/base/model": "NVIDIA Jetson Orin Nano Developer Kit\0",
  "sys/class/thermal/thermal_zone0/type": "cpu-thermal",
  "sys/class/thermal/thermal_zone0/temp": 48_500,
  "sys/class/thermal/thermal_zone1/type": "gpu-thermal",
  "sys/class/thermal/thermal_zone1/temp": 51_250,
  "sys/class/thermal/thermal_zone2/type": "tj-thermal",
  "sys/class/thermal/thermal_zone2/temp": 50_000,
  "sys/class/thermal/thermal_zone3/type": "cv0-thermal",
  "sys/class/thermal/thermal_zone3/temp": "",
  "sys/class/hwmon/hwmon0/name": "tmp451",
  "sys/class/hwmon/hwmon4/name": "ina3221",
  "sys/class/hwmon/hwmon4/in1_label": "VDD_IN",
  "sys/class/hwmon/hwmon4/in1_input": 5_080,
  "sys/class/hwmon/hwmon4/curr1_input": 1_250,
  "sys/class/hwmon/hwmon4/in2_label": "VDD_CPU_GPU_CV",
  "sys/class/hwmon/hwmon4/in2_input": 5_080,
  "sys/class/hwmon/hwmon4/curr2_input": 300,
  "sys/class/hwmon/hwmon4/in3_label": "NC",
  "sys/class/hwmon/hwmon4/in3_input": 0,
  "sys/class/hwmon/hwmon4/curr3_input": 0,
  "sys/class/hwmon/hwmon5/name": "soctherm_oc",
  "sys/class/hwmon/hwmon5/oc1_event_cnt": 4,
  "sys/class/hwmon/hwmon5/oc2_event_cnt": 0,
  "sys/class/hwmon/hwmon5/oc3_event_cnt": 0,
};

/** A laptop: one battery, a charger, the mouse's battery; package energy in µJ. */
export const LAPTOP: TreeFiles = {
  ...LINUX,
  "sys/class/thermal/thermal_zone0/type": "acpitz",
  "sys/class/thermal/thermal_zone0/temp": 27_800,
  "sys/class/thermal/thermal_zone1/type": "x86_pkg_temp",
  "sys/class/thermal/thermal_zone1/temp": 55_000,
  "sys/class/hwmon/hwmon0/name": "coretemp",
  "sys/class/hwmon/hwmon0/temp1_input": 56_000,
  "sys/class/hwmon/hwmon0/temp2_input": 57_000,
  "sys/class/power_supply/AC/type": "Mains",
  "sys/class/power_supply/AC/online": 1,
  "sys/class/power_supply/BAT0/type": "Battery",
  "sys/class/power_supply/BAT0/capacity": 81,
  "sys/class/power_supply/BAT0/status": "Charging",
  "sys/class/power_supply/hid-mouse/type": "Battery",
  "sys/class/power_supply/hid-mouse/scope": "Device",
  "sys/class/power_supply/hid-mouse/capacity": 3,
  "sys/class/power_supply/hid-mouse/status": "Discharging",
  "sys/class/powercap/intel-rapl:0/name": "package-0",
  "sys/class/powercap/intel-rapl:0/energy_uj": 1_000_000,
  "sys/class/powercap/intel-rapl:0/max_energy_range_uj": 100_000_000,
  "sys/class/powercap/intel-rapl:0:0/name": "core",
  "sys/class/powercap/intel-rapl:0:0/energy_uj": 900_000,
};
