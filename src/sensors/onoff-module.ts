import { AppError, systemErrorCode } from "../core/errors.ts";

export type Gpio = InstanceType<typeof import("onoff").Gpio>;
export type GpioConstructor = typeof import("onoff").Gpio;

/**
 * onoff, loaded when first needed: its native epoll must be compiled for the Node that runs.
 * @throws AppError E_GPIO_UNAVAILABLE.
 */
export async function loadOnoff(): Promise<GpioConstructor> {
  try {
    const { Gpio } = await import("onoff");
    return Gpio;
  } catch (error) {
    throw new AppError("E_GPIO_UNAVAILABLE", "onoff's native part cannot be loaded by this Node", {
      hint: "Run `npm rebuild epoll` in the folder of asls (needs make and g++).",
      cause: error,
    });
  }
}

/** E_GPIO_UNAVAILABLE for what the system answered about a line, with the step that helps. */
export function gpioError(error: unknown, line: number, chip: string): AppError {
  const code = systemErrorCode(error) ?? "unknown reason";
  const hints: Readonly<Record<string, string>> = {
    EACCES: "Add the service's user to the group gpio.",
    EPERM: "Add the service's user to the group gpio.",
    EBUSY: "Another driver or program holds that line; /sys/kernel/debug/gpio shows which.",
    EINVAL: "The chip has no such line, or another driver holds it.",
    EROFS: "The service's unit must not set ProtectKernelTunables=yes.",
    ENOENT: "The line's folder did not appear in /sys/class/gpio; set buttons.backend to gpiod.",
  };
  const hint = hints[code];
  return new AppError("E_GPIO_UNAVAILABLE", `line ${line} of ${chip} cannot be used (${code})`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}
