import { AppError } from "../core/errors.ts";
import type { AslsConfig } from "../runtime/config/schema.ts";
import type { ControlHandlers } from "../runtime/control/control-server.ts";
import { type DashboardAddress, DashboardServer } from "../runtime/dashboard/dashboard-server.ts";
import { ownData } from "../runtime/dashboard/own-data.ts";
import { dashboardTokenFile } from "../runtime/dashboard/token-file.ts";
import type { RequestHandlers } from "../runtime/mqtt/requests.ts";
import type { ServiceParts } from "../runtime/service/service-parts.ts";

export interface DashboardHandlers {
  readonly requests: RequestHandlers;
  readonly controls: Omit<ControlHandlers, "dashboard">;
}

/** The page of this device: what it publishes, its requests, and its present user's own data. Null when it is off. */
export function makeDashboard(
  config: AslsConfig,
  deviceId: string,
  parts: ServiceParts,
  { requests, controls }: DashboardHandlers,
): DashboardServer | null {
  if (!config.dashboard.enabled) return null;
  const { publisher, profiles, adapters, models, clock } = parts;
  const { signal } = new AbortController();
  return new DashboardServer(config.dashboard, dashboardTokenFile(config), {
    deviceId,
    baseTopic: config.mqtt.baseTopic,
    topics: publisher,
    request: (verb, payload) => publisher.request(verb, payload),
    health: () => requests.health_check({}, { signal, origin: "dashboard", followUp: () => {} }),
    ownData: ownData({
      store: profiles.store,
      archive: profiles.archive,
      adapters,
      baseSha256: () => models.model?.info.sha256 ?? null,
      operations: controls,
    }),
    clock,
    log: parts.log.child({ part: "dashboard" }),
  });
}

/** For the device's owner. @throws AppError E_DASHBOARD_OFF. */
export function addressOf(dashboard: DashboardServer | null): DashboardAddress {
  const address = dashboard?.address ?? null;
  if (address !== null) return address;
  throw new AppError(
    "E_DASHBOARD_OFF",
    dashboard === null ? "dashboard.enabled is false" : "the dashboard does not listen",
  );
}
