import { Mutex } from "async-mutex";
import { type ErrorCode, isAppError } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import type { ProfileArchive } from "../profile/ports.ts";
import { generalVersions } from "./adapter-pointers.ts";
import type { AdapterStore } from "./adapter-store.ts";
import type { TrainingHold } from "./eligibility.ts";
import type { BaseModel } from "./job-world.ts";

export interface AdapterInUseDeps {
  readonly archive: Pick<ProfileArchive, "list">;
  readonly store: AdapterStore;
  readonly log: Logger;
  base(): BaseModel | null;
  hold(): TrainingHold | null;
  useAdapter(path: string | null): Promise<void>;
  alert(code: ErrorCode, message: string | null): void;
}

type ChangeListener = (change: { readonly profileId: string | null; readonly version: string | null }) => void;

/** Keeps the language model on the adapter that the active profile should be answered with. */
export class AdapterInUse {
  readonly #deps: AdapterInUseDeps;
  readonly #onChange: ChangeListener;
  readonly #changes = new Mutex();
  #version: string | null = null;
  #profileId: string | null = null;
  #isGuest = false;
  #domain: string | null = null;
  #general: string | null = null;

  constructor(deps: AdapterInUseDeps, onChange: ChangeListener) {
    this.#deps = deps;
    this.#onChange = onChange;
  }

  /** What answers: a task adapter or the general one. */
  get version(): string | null {
    return this.#version;
  }

  /** The general one in use. */
  get general(): string | null {
    return this.#version === null ? null : this.#general;
  }

  /** The next answer is to a turn of this domain: its task adapter answers, when there is one over the version in use. */
  async routeTo(domain: string | null): Promise<void> {
    if (domain === this.#domain) return;
    this.#domain = domain;
    await this.apply();
  }

  /** A model that has just been loaded has no adapter. */
  forgetModel(): void {
    this.#version = null;
  }

  /** Takes effect with the next {@link apply}. */
  setGuest(isGuest: boolean): void {
    this.#isGuest = isGuest;
  }

  /**
   * Makes it so. A version that cannot be used leaves the base alone to answer, with an alert.
   * @returns profiles whose adapters belong to other base models and that have none for this one.
   */
  async apply(): Promise<readonly string[]> {
    return await this.#changes.runExclusive(async () => {
      const { archive, store } = this.#deps;
      const base = this.#deps.base();
      if (base === null) return [];
      const profile = (await archive.list()).find(({ isActive }) => isActive) ?? null;
      if (this.#isGuest) {
        await this.#switchTo(null, { general: null, routed: null });
        return [];
      }
      const mayUse = this.#deps.hold() !== "learning_off" && profile?.consent.store === true && profile.consent.train;
      const wanted = mayUse ? await store.active(profile.id, base.sha256) : null;
      const task =
        wanted === null || this.#domain === null
          ? null
          : await store.active(wanted.profileId, base.sha256, this.#domain);
      const general = wanted?.version ?? null;
      const routed = task?.parent === general ? (task?.version ?? general) : general;
      await this.#switchTo(profile?.id ?? null, { general, routed });
      if (!mayUse) return [];
      const isSetAside = wanted === null && generalVersions(await store.pointers(profile.id)).length > 0;
      this.#deps.alert(
        "E_ADAPTER_OTHER_BASE",
        isSetAside ? "the adapter in use belongs to another language model and is set aside" : null,
      );
      return isSetAside ? [profile.id] : [];
    });
  }

  /** @param versions the general one, and what answers: a task adapter over it, or itself. */
  async #switchTo(
    profileId: string | null,
    { general, routed: version }: { readonly general: string | null; readonly routed: string | null },
  ): Promise<void> {
    const { store, log, alert } = this.#deps;
    let path: string | null = null;
    let usable = version;
    if (version !== this.#version) {
      try {
        path = profileId === null || version === null ? null : await store.open(profileId, version);
        await this.#deps.useAdapter(path);
        alert("E_ADAPTER_INVALID", null);
      } catch (error) {
        if (!isAppError(error)) throw error;
        log.error({ version, code: error.code }, "adapter cannot be used");
        alert("E_ADAPTER_INVALID", `version ${version} cannot be used [${error.code}]`);
        usable = null;
        if (this.#version !== null) await this.#deps.useAdapter(null);
      }
      await store.closeAllBut(path === null || usable === null ? [] : [path]);
    }
    this.#general = general;
    if (usable === this.#version && profileId === this.#profileId) return;
    this.#version = usable;
    this.#profileId = profileId;
    log.info({ profile: profileId, version: usable }, "answering adapter changed");
    this.#onChange({ profileId, version: usable });
  }
}
