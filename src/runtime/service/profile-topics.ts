import { isAppError, isEnoent } from "../../core/errors.ts";
import type { ProfileListing } from "../../profile/ports.ts";
import type { ProfilePayload } from "../mqtt/learning-payloads.ts";
import { Pace } from "../mqtt/pace.ts";
import { PUBLISHED } from "../mqtt/topics.ts";
import { readPublishedProfiles, writePublishedProfiles } from "./published-profiles.ts";
import type { ServiceParts } from "./service-parts.ts";

type Parts = Pick<ServiceParts, "profiles" | "adapters" | "models" | "publisher" | "clock" | "log">;

/**
 * The `profiles/<pid>` topics. Which of them the broker may hold is written down before they are published, so that the
 * topic of a profile that was forgotten while there was no connection, or no service, is deleted all the same.
 */
export class ProfileTopics {
  readonly #parts: Parts;
  readonly #path: string;
  readonly #pace: Pace;
  #known: ReadonlySet<string> | null = null;
  #last: Promise<void> = Promise.resolve();

  /** @param path e.g. `<stateDir>/mqtt-profiles.json`; holds random ids only. */
  constructor(path: string, parts: Parts) {
    this.#path = path;
    this.#parts = parts;
    this.#pace = new Pace(parts.clock, PUBLISHED.profile.everyMs, () => void this.#refreshNow());
  }

  /** Something about the profiles may have changed. */
  refresh(): void {
    this.#pace.wish();
  }

  stop(): void {
    this.#pace.stop();
  }

  /** Deletes the topic of a profile that is gone. True once the broker has confirmed; false without a connection. */
  async forget(id: string): Promise<boolean> {
    this.#parts.publisher.profile(id, null);
    const isConfirmed = await this.#parts.publisher.profileDelivered(id);
    this.refresh();
    return isConfirmed;
  }

  /** One after the other; never rejects. */
  #refreshNow(): Promise<void> {
    this.#last = this.#last
      .then(() => this.#publishAll())
      .catch((error: unknown) => {
        const code = isAppError(error) ? error.code : "E_INTERNAL";
        this.#parts.log.error({ code, err: String(error) }, "profiles not published");
      });
    return this.#last;
  }

  async #publishAll(): Promise<void> {
    const { profiles, publisher } = this.#parts;
    const listings = await profiles.archive.list();
    const present = new Set(listings.map(({ id }) => id));
    const known = this.#known ?? (await this.#read());
    if (listings.some(({ id }) => !known.has(id))) await this.#write(new Set([...known, ...present]));
    for (const listing of listings) publisher.profile(listing.id, await this.#payloadOf(listing));
    const gone = [...known].filter((id) => !present.has(id));
    for (const id of gone) publisher.profile(id, null);
    const confirmed = await Promise.all(gone.map((id) => publisher.profileDelivered(id)));
    const left = gone.filter((_, i) => confirmed[i] !== true);
    if (left.length < gone.length) await this.#write(new Set([...present, ...left]));
  }

  async #payloadOf({ id, isActive, consent, interactionCount }: ProfileListing): Promise<ProfilePayload> {
    const { profiles, adapters, models } = this.#parts;
    const { signalCounts } = await profiles.archive.summary(id);
    const base = models.model?.info.sha256 ?? null;
    const adapter = base === null ? null : await adapters.active(id, base);
    const { thumb_up = 0, praise = 0, thumb_down = 0, complaint = 0, correction = 0 } = signalCounts;
    return {
      active: isActive,
      consent,
      examples: interactionCount,
      adapterVersion: adapter?.version ?? null,
      trainedAtMs: adapter?.createdAtMs ?? null,
      feedback: { up: thumb_up + praise, down: thumb_down + complaint, corrections: correction },
    };
  }

  async #read(): Promise<ReadonlySet<string>> {
    try {
      this.#known = new Set(await readPublishedProfiles(this.#path));
    } catch (error) {
      if (!isEnoent(error))
        this.#parts.log.warn({ code: "E_FILE_UNREADABLE" }, "list of published profiles is damaged");
      this.#known = new Set();
    }
    return this.#known;
  }

  async #write(ids: ReadonlySet<string>): Promise<void> {
    await writePublishedProfiles(this.#path, [...ids]);
    this.#known = ids;
  }
}
