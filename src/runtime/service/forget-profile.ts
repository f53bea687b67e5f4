import type { ErasureReceipt } from "../control/profile-operations.ts";
import { recordingsFolder, removeRecordings } from "../output/recordings.ts";
import type { ServiceParts } from "./service-parts.ts";

/**
 * Erases a profile: key and rows, what was learned (sealed, opened and in training), recordings of spoken answers, the
 * present conversation, and its retained topic. The one way to do it, whoever asks.
 *
 * @returns the receipt; `verified` also means that no adapter is left and that the broker dropped the topic.
 * @throws AppError E_PROFILE_UNKNOWN.
 */
export async function forgetProfile(
  parts: Pick<
    ServiceParts,
    "profiles" | "adaptation" | "adapters" | "phrases" | "dialog" | "profileTopics" | "loaded" | "profileChanged"
  >,
  profileId: string,
): Promise<ErasureReceipt> {
  const { profiles, adaptation, adapters, phrases, dialog, profileTopics, loaded } = parts;
  const receipt = await profiles.archive.forget(profileId);
  await phrases.refresh();
  const adapterCount = await adaptation.profileForgotten(profileId);
  dialog.newConversation();
  const recordings = await removeRecordings(recordingsFolder(loaded.config));
  parts.profileChanged();
  const isTopicGone = await profileTopics.forget(profileId);
  const areAdaptersGone = !(await adapters.profiles()).includes(profileId);
  return {
    ...receipt,
    adapters: adapterCount,
    recordings,
    retainedTopics: isTopicGone ? 1 : 0,
    verified: receipt.verified && areAdaptersGone && isTopicGone,
  };
}
