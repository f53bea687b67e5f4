import type { RequestHandlers } from "../../src/runtime/mqtt/requests.ts";

/** Handlers that do nothing and answer as if they had; some of them changed. */
export function answeringHandlers(changes: Partial<RequestHandlers> = {}): RequestHandlers {
  return {
    say: async () => ({ outcome: "answered", latencyMs: 120 }),
    "mic/set": async ({ muted }) => ({ muted }),
    "feedback/submit": async () => ({ outcome: "recorded", reason: null }),
    "learning/set": async ({ enabled }) => ({ enabled }),
    "training/start": async () => ({ outcome: "queued", reasons: [] }),
    "training/pause": async () => ({ paused: true }),
    "training/resume": async () => ({ paused: false }),
    "training/cancel": async () => ({ cancelled: false }),
    "adapter/activate": async ({ version }) => ({ adapter: version }),
    "adapter/rollback": async () => ({ adapter: null }),
    "power/set_mode": async ({ mode }) => ({ mode }),
    "power/set_budget": async ({ dailyWh }) => ({ dailyWh }),
    health_check: async () => ({ healthy: true, uptimeS: 5, failing: [], alerts: [] }),
    "consent/revoke": async ({ purpose }) => ({
      revoked: purpose === "all" ? ["store", "train", "telemetry"] : [purpose],
    }),
    "profile/list": async () => ({ profiles: [], active: null }),
    "profile/select": async ({ profile }) => ({ profile }),
    "profile/forget": async () => ({
      outcome: "armed",
      profile: `p_${"0".repeat(16)}`,
      confirm: `c_${"0".repeat(16)}`,
      expiresS: 60,
      receipt: null,
    }),
    "options/set": async ({ logLevel }) => ({ logLevel }),
    restart: async () => ({ outcome: "restarting" }),
    ...changes,
  };
}
