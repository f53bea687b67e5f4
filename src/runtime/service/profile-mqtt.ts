import { AppError } from "../../core/errors.ts";
import type { RequestHandlers } from "../mqtt/requests.ts";
import { forgetProfile } from "./forget-profile.ts";
import { ForgetRequests } from "./forget-requests.ts";
import type { ServiceParts } from "./service-parts.ts";

/** Requests about profiles over MQTT: ids and figures only. */
export function profileRequests(
  parts: ServiceParts,
): Pick<RequestHandlers, "profile/list" | "profile/select" | "profile/forget"> {
  const { profiles, dialog, presence, clock, log } = parts;
  const forgetting = new ForgetRequests({
    clock,
    askPresence: (signal) => (presence.isWaiting ? null : presence.ask(signal)),
    activeProfile: async () => (await profiles.store.active()).id,
    requireProfile: async (id) => {
      if (!(await profiles.archive.list()).some((profile) => profile.id === id)) {
        throw new AppError("E_PROFILE_UNKNOWN", "there is no such profile");
      }
    },
    forget: async (id) => {
      const { rows, files, adapters, retainedTopics, verified } = await forgetProfile(parts, id);
      return { rows, files, adapters, retainedTopics, verified };
    },
    onFailure: (error) => log.error({ err: String(error) }, "a confirmed erasure failed"),
  });
  return {
    "profile/list": async () => {
      const listings = await profiles.archive.list();
      return {
        profiles: listings.map(({ id }) => id),
        active: listings.find(({ isActive }) => isActive)?.id ?? null,
      };
    },
    "profile/select": async ({ profile }) => {
      await profiles.archive.select(profile);
      dialog.newConversation();
      parts.profileChanged();
      return { profile };
    },
    "profile/forget": forgetting.handle,
  };
}
