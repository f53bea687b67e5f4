import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { KillableService } from "../support/killable-service.ts";
import type { Expectations, Exported, ExportedTurn } from "./expectations.ts";

/** Alerts that stand for something broken on disk. */
const BROKEN = ["E_DB_CORRUPT", "E_ADAPTER_INVALID", "E_ADAPTER_GONE", "E_KEY_MISMATCH", "E_GOVERNOR_STATE"];

/** A state folder with what was promised about it. */
export class World {
  readonly folder: string;
  readonly expectations: Expectations;
  /** Who speaks. */
  readonly profile: string;
  /** People who may be forgotten. */
  readonly victims: string[];
  /** Number of the next request nobody has made yet. */
  nextTurn: number;

  constructor(folder: string, expectations: Expectations, profile: string, victims: string[], nextTurn: number) {
    this.folder = folder;
    this.expectations = expectations;
    this.profile = profile;
    this.victims = victims;
    this.nextTurn = nextTurn;
  }

  /** A world of its own that begins where this one (not running) is. */
  copyTo(folder: string): World {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    cpSync(join(this.folder, "state"), join(folder, "state"), { recursive: true, preserveTimestamps: true });
    return new World(folder, this.expectations.copy(), this.profile, [...this.victims], this.nextTurn);
  }

  /**
   * Compares the running service with what was promised.
   * @returns lost: promises that do not hold; corrupt: what the service found broken, or does not answer with.
   */
  async verify(service: KillableService): Promise<{ readonly lost: string[]; readonly corrupt: string[] }> {
    const exports = new Map<string, Exported>();
    const listed = (await service.call("profileList", {})) as { id: string }[];
    for (const profile of this.expectations.profiles) {
      if (!listed.some(({ id }) => id === profile)) exports.set(profile, null);
      else {
        const { interactions } = (await service.call("profileExport", { profile })) as { interactions: ExportedTurn[] };
        exports.set(profile, interactions);
      }
    }
    const status = (await service.call("status", {})) as { adapter: string | null; alerts: { code: string }[] };
    const lost = this.expectations.check(exports, status.adapter);
    const corrupt = status.alerts.filter(({ code }) => BROKEN.includes(code)).map(({ code }) => `alert ${code}`);
    const adapters = (await service.call("adapterList", { profile: this.profile })) as ListedAdapter[];
    const active = adapters.filter(({ state }) => state === "active");
    if (active.length > 1) corrupt.push(`${active.length} adapters are active`);
    for (const { version, hasFile } of active) if (!hasFile) corrupt.push(`active adapter ${version} has no file`);
    return { lost, corrupt };
  }
}

export interface ListedAdapter {
  readonly version: string;
  readonly state: string;
  readonly hasFile: boolean;
}
