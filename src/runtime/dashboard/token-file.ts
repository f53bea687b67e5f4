import { join } from "node:path";
import type { AslsConfig } from "../config/schema.ts";

/** Where the token of this configuration is kept. */
export function dashboardTokenFile({ dashboard, paths }: Pick<AslsConfig, "dashboard" | "paths">): string {
  return dashboard.tokenFile || join(paths.stateDir, "dashboard-token");
}
