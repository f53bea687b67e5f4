import { readFileSync } from "node:fs";
import * as v from "valibot";
import { packageRoot } from "../../src/core/built-file.ts";
import { markdownTable } from "./markdown.ts";

const names = v.optional(v.record(v.string(), v.string()), {});
const lockSchema = v.object({
  packages: v.record(
    v.string(),
    v.object({
      version: v.optional(v.string()),
      license: v.optional(v.string()),
      integrity: v.optional(v.string()),
      dev: v.optional(v.boolean(), false),
      optional: v.optional(v.boolean(), false),
      hasInstallScript: v.optional(v.boolean(), false),
      dependencies: names,
      optionalDependencies: names,
    }),
  ),
});
const manifestSchema = v.object({ dependencies: names, allowScripts: v.record(v.string(), v.boolean()) });
type Lock = v.InferOutput<typeof lockSchema>["packages"];

/** What each direct dependency is there for, and what of it runs as native code. test/docs refuses one without an entry. */
const WHY: Readonly<Record<string, string>> = {
  "@huggingface/jinja": "chat templates of model files",
  aedes: "the broker inside the device, when none is configured",
  "async-mutex": "one at a time",
  commander: "command line",
  convict: "configuration schema",
  koffi: "calls libpocketsphinx; native",
  mqtt: "MQTT client",
  "node-llama-cpp": "llama.cpp for answers; native",
  "node-record-lpcm16": "starts arecord",
  onoff: "buttons and LED by sysfs GPIO (epoll is native)",
  pino: "log",
  "prom-client": "metrics for Prometheus",
  "sherpa-onnx-node": "voice activity and, with installed models, speech; native",
  sirv: "static files of the dashboard",
  sqlite3: "database; native",
  valibot: "schemas of everything that comes from outside",
  yaml: "configuration file",
};

/** docs/dependencies.md, from package.json and package-lock.json. */
export function dependenciesDoc(): string {
  const read = (path: string): unknown => JSON.parse(readFileSync(`${packageRoot}${path}`, "utf8"));
  const lock = v.parse(lockSchema, read("package-lock.json")).packages;
  const { dependencies, allowScripts } = v.parse(manifestSchema, read("package.json"));
  const installed = Object.entries(lock).filter(([path]) => path !== "");
  const shipped = installed.filter(([, entry]) => !entry.dev);
  const rows = Object.keys(dependencies)
    .toSorted()
    .map((name) => {
      const entry = lock[`node_modules/${name}`];
      const brings = reachable(lock, `node_modules/${name}`).size - 1;
      return [`\`${name}\``, dependencies[name] ?? "", entry?.license ?? "?", String(brings), whyOf(name)];
    });
  const scripts = installed
    .filter(([, { hasInstallScript }]) => hasInstallScript)
    .map(([path, { dev }]) => {
      const name = nameOf(path);
      return [`\`${name}\``, dev ? "development" : "shipped", allowScripts[name] === true ? "run" : "not run"];
    });
  const unsigned = installed.filter(([, { integrity, optional }]) => integrity === undefined && !optional);
  return `# Dependencies

<!-- Generated from package.json and package-lock.json by \`npm run docs\`; do not edit. -->

${Object.keys(dependencies).length} direct dependencies bring ${shipped.length} packages, ${shipped.filter(([, { optional }]) => optional).length} of them optional (builds for
other processors and systems); ${installed.length - shipped.length} more are for development only. Every version is pinned exactly, and ${
    unsigned.length === 0 ? "every package that is needed has" : `all but ${unsigned.length} of those needed have`
  } a hash in
package-lock.json that \`npm ci\` checks. What they may do, and what was reviewed: [security.md](security.md#malicious-dependency).

${markdownTable(["package", "version", "licence", "brings", "for"], rows)}

Packages that ask to run a script when they are installed (\`allowScripts\` of package.json is what \`deploy/bootstrap.sh\` lets run; everything is
installed with \`--ignore-scripts\`):

${markdownTable(["package", "", "script"], scripts)}

Licences of what is shipped: ${licences(shipped.map(([, { license }]) => license ?? "not stated in the lock file"))}.
`;
}

function whyOf(name: string): string {
  return WHY[name] ?? "?";
}

/** Paths in the lock file of a package and everything it brings. */
function reachable(lock: Lock, path: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(path)) return seen;
  seen.add(path);
  const { dependencies = {}, optionalDependencies = {} } = lock[path] ?? {};
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    const found = resolved(lock, path, name);
    if (found !== null) reachable(lock, found, seen);
  }
  return seen;
}

/** As Node looks packages up: the nearest node_modules on the way up. */
function resolved(lock: Lock, from: string, name: string): string | null {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")))) {
    const path = `${folder === "" ? "" : `${folder}/`}node_modules/${name}`;
    if (lock[path] !== undefined) return path;
    if (folder === "") return null;
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
}

function licences(all: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const licence of all) counts.set(licence, (counts.get(licence) ?? 0) + 1);
  return [...counts]
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .map(([licence, count]) => `${licence} ${count}`)
    .join(", ");
}
