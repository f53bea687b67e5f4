// Adds to package-lock.json what npm leaves out when the registry it asks does not serve a package for another system
// (macOS, Windows, musl ...): optional, never installed on ours, but `npm ci` everywhere refuses a lock file without
// them. Run it after `npm install`; it changes nothing when nothing is missing. Usage: node deploy/complete-lockfile.mjs
import { readFileSync, writeFileSync } from "node:fs";

const path = "package-lock.json";
const text = readFileSync(path, "utf8");
const lock = JSON.parse(text);

/** npm's `os`, `cpu` and `libc` fields, from the words of a platform package's name. */
function platformOf(name) {
  const words = name.replace(/^.*\//, "").split("-");
  const systems = { mac: "darwin", win: "win32", android: "android", darwin: "darwin", win32: "win32" };
  Object.assign(systems, { freebsd: "freebsd", linux: "linux", openharmony: "openharmony" });
  const processors = { x64: "x64", arm64: "arm64", arm: "arm", ia32: "ia32", ppc64: "ppc64", riscv64: "riscv64" };
  Object.assign(processors, { s390x: "s390x", loong64: "loong64" });
  const os = words.map((word) => systems[word]).find(Boolean);
  const cpu = words.map((word) => processors[word]).find(Boolean);
  if (os === undefined || cpu === undefined) return undefined;
  const libc = words.some((word) => word.startsWith("musl"))
    ? "musl"
    : words.some((w) => w.startsWith("gnu"))
      ? "glibc"
      : undefined;
  return { cpu: [cpu], ...(libc === undefined ? {} : { libc: [libc] }), os: [os] };
}

/** True when a package at `from` would find `name` by walking up the node_modules folders. */
function isLocked(from, name) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("node_modules/") - 1))) {
    if (lock.packages[`${folder === "" ? "" : `${folder}/`}node_modules/${name}`] !== undefined) return true;
    if (folder === "") return false;
  }
}

let added = 0;
for (const [from, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (isLocked(from, name)) continue;
    const platform = platformOf(name);
    if (platform === undefined || !/^\d+\.\d+\.\d+/.test(version)) {
      process.stderr.write(
        `cannot complete ${name} ${version} (wanted by ${from}): not a platform package with an exact version\n`,
      );
      process.exit(1);
    }
    const scope = entry.dev ? { dev: true, optional: true } : { optional: true };
    const fields = Object.entries({ ...platform, ...scope }).sort(([a], [b]) => a.localeCompare(b, "en"));
    lock.packages[`node_modules/${name}`] = { version, ...Object.fromEntries(fields) };
    added += 1;
  }
}
if (added > 0) {
  const sorted = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, "en"));
  lock.packages = Object.fromEntries(sorted);
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
}
process.stdout.write(`${added} platform packages added to ${path}\n`);
