import type { AdapterManifest } from "./adapter-manifest.ts";
import type { AdapterState } from "./adapter-pointers.ts";
import type { AdapterStore } from "./adapter-store.ts";

/** One adapter as its owner takes it along. */
export interface ExportedAdapter {
  readonly state: AdapterState;
  readonly manifest: AdapterManifest;
  /** The decrypted GGUF LoRA file, base64; null without weights asked for, or when they are gone. Its SHA-256 is in the manifest. */
  readonly gguf: string | null;
}

/** Every version of a profile, oldest first; weights one after the other, as they may be large. */
export async function exportAdapters(
  store: AdapterStore,
  profileId: string,
  hasWeights: boolean,
): Promise<ExportedAdapter[]> {
  const exported: ExportedAdapter[] = [];
  for (const { manifest, state, hasFile } of await store.list(profileId, null)) {
    const gguf = hasWeights && hasFile ? await store.weights(profileId, manifest.version) : null;
    exported.push({ state, manifest, gguf: gguf === null ? null : Buffer.from(gguf).toString("base64") });
  }
  return exported;
}
