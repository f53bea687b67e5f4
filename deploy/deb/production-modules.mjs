// Prints the folders of node_modules that the installed program needs on one processor, from package-lock.json:
// `node deploy/deb/production-modules.mjs x64|arm64`. Fails when one of them is not installed under the given root
// (second argument, default the repository).
import { existsSync, readFileSync } from "node:fs";

const cpu = process.argv[2];
const root = process.argv[3] ?? ".";

/** Production dependencies of npm packages that only their installers, compilers or command lines load. */
const UNUSED = [
  // GPU flavours of llama.cpp: 610 MB. A board with CUDA builds its own (docs/hardware.md).
  /^@node-llama-cpp\/.*-(cuda|cuda-ext|vulkan)$/,
  // 32-bit ARM: no board of ours.
  /^@node-llama-cpp\/linux-armv7l$/,
  // Says that it runs on x64, too, for those who cross-compile there.
  ...(cpu === "x64" ? [/^@node-llama-cpp\/linux-arm64$/] : []),
  // Types for compilers.
  /^@types\//,
  /^typescript$/,
  /^@typescript\//,
  // sqlite3 is compiled when the package is built.
  /^(node-gyp|prebuild-install|node-addon-api|tar)$/,
  // epoll likewise.
  /^nan$/,
];

const lock = JSON.parse(readFileSync(`${root}/package-lock.json`, "utf8"));
const missing = [];
const names = [];
for (const [path, entry] of Object.entries(lock.packages)) {
  // `optional` packages of other systems are in the lock file, too.
  if (path === "" || entry.dev || entry.devOptional) continue;
  if (entry.os !== undefined && !entry.os.includes("linux")) continue;
  if (entry.cpu !== undefined && !entry.cpu.includes(cpu)) continue;
  if (entry.libc !== undefined && !entry.libc.includes("glibc")) continue;
  const name = path.replace(/^node_modules\//, "");
  if (UNUSED.some((pattern) => pattern.test(name.split("/node_modules/")[0]))) continue;
  // Nested packages come with the one that holds them.
  if (name.includes("/node_modules/")) continue;
  if (existsSync(`${root}/${path}/package.json`)) names.push(name);
  else if (!entry.optional) missing.push(name);
}
if (missing.length > 0) {
  process.stderr.write(`not installed: ${missing.join(", ")}\n`);
  process.exit(1);
}
process.stdout.write(`${names.join("\n")}\n`);
