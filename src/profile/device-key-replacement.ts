import {
  type DeviceKey,
  deviceKeys,
  type KeyLocations,
  removeKeyFiles,
  settleKeyFile,
  writeNextKeyFile,
} from "./key-store.ts";

/** The device key to change to. */
export interface DeviceKeyReplacement {
  readonly key: DeviceKey;
  /** Call once the database is wrapped with it: removes the key that was in use, or puts the new one in its place. */
  settle(): Promise<void>;
}

/**
 * What the device key can be changed to: another credential that is there, else a new file in the place of a file.
 * Null = the key is a credential, and no other one waits: its owner has to provide one.
 */
export async function nextDeviceKey(locations: KeyLocations, current: DeviceKey): Promise<DeviceKeyReplacement | null> {
  const credential = (await deviceKeys(locations)).find(
    ({ source, fingerprint }) => source === "credential" && fingerprint !== current.fingerprint,
  );
  if (credential !== undefined) return { key: credential, settle: () => removeKeyFiles(locations) };
  if (current.source === "credential") return null;
  const key = await writeNextKeyFile(locations);
  return { key, settle: () => settleKeyFile(locations, key) };
}
