import { stat } from "node:fs/promises";
import { get } from "node:http";
import { AppError, isEnoent } from "../../core/errors.ts";
import type { AslsConfig } from "../../runtime/config/schema.ts";
import { callService, isServiceListening } from "../../runtime/control/control-client.ts";
import { controlSocketPath } from "../../runtime/control/socket-path.ts";
import type { DashboardAddress } from "../../runtime/dashboard/dashboard-server.ts";
import { dashboardTokenFile } from "../../runtime/dashboard/token-file.ts";
import type { Check } from "./check.ts";

const ANSWER_MS = 5_000;
const LOOPBACK = /^(127\.|::1$|localhost$)/;

/** Whether the running device's page answers, who can reach it, and whether its token is kept to its owner. */
export function dashboardCheck(config: AslsConfig): Check {
  return {
    part: "dashboard",
    look: async () => {
      const { enabled, host } = config.dashboard;
      if (!enabled) return "off by configuration";
      const tokenFile = dashboardTokenFile(config);
      if (await isReadableByOthers(tokenFile)) {
        return { warning: `other users can read ${tokenFile}`, nextStep: `chmod 600 ${tokenFile}` };
      }
      const socket = controlSocketPath(config.paths.runtimeDir);
      if (!(await isServiceListening(socket))) return `token in ${tokenFile}; the service is not running`;
      const { url } = (await callService(socket, "dashboard", {})) as DashboardAddress;
      await answer(`${url}healthz`);
      const text = `answers at ${url}; token in ${tokenFile}, address by \`asls dashboard url\``;
      if (LOOPBACK.test(host)) return text;
      return {
        warning: `${text}; the whole network can reach it, unencrypted`,
        nextStep:
          "Keep dashboard.host at 127.0.0.1 and use an SSH tunnel, or put a TLS proxy in front (docs/dashboard.md).",
      };
    },
  };
}

async function isReadableByOthers(path: string): Promise<boolean> {
  try {
    return ((await stat(path)).mode & 0o077) !== 0;
  } catch (error) {
    if (isEnoent(error)) return false;
    throw new AppError("E_DASHBOARD_TOKEN", `cannot look at ${path}`, { cause: error });
  }
}

/** Any answer will do: 503 says that another part is ill, and the page is there. */
function answer(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get(url, { timeout: ANSWER_MS, agent: false }, (response) => {
      response.resume();
      resolve();
    });
    const fail = (cause?: Error) => reject(new AppError("E_DASHBOARD_PORT", `nothing answers at ${url}`, { cause }));
    request.on("timeout", () => request.destroy(new Error("timeout")));
    request.on("error", fail);
  });
}
