// Builds the dashboard's page into dist/dashboard/: our modules by tsc, the two libraries as they ship, the static
// files; each also compressed, so that the device does not do it for every visitor. Does nothing when no input is newer.
// Usage: node deploy/build-dashboard.mjs
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const root = fileURLToPath(new URL("..", import.meta.url));
const out = join(root, "dist/dashboard");
/** Written last: its age is that of the build. */
const witness = join(out, "index.html.gz");

/** Where each library's file comes from: its own build for browsers, an ES module without imports. */
const VENDOR = {
  "vendor/mqtt.js": "node_modules/mqtt/dist/mqtt.esm.js",
  "vendor/uplot.js": "node_modules/uplot/dist/uPlot.esm.js",
  "vendor/uplot.css": "node_modules/uplot/dist/uPlot.min.css",
};

function filesIn(folder) {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return names.map((name) => join(folder, name)).filter((path) => statSync(path).isFile());
}

function isUpToDate() {
  if (!existsSync(witness)) return false;
  const inputs = [
    ...filesIn(join(root, "src/dashboard")),
    ...[...Object.values(VENDOR), "tsconfig.json", "tsconfig.dashboard.json", "deploy/build-dashboard.mjs"].map(
      (path) => join(root, path),
    ),
  ];
  const builtMs = statSync(witness).mtimeMs;
  return inputs.every((path) => statSync(path).mtimeMs <= builtMs);
}

if (!isUpToDate()) {
  rmSync(out, { recursive: true, force: true });
  const compiler = [join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.dashboard.json"];
  execFileSync(process.execPath, compiler, { cwd: root, stdio: "inherit" });
  cpSync(join(root, "src/dashboard/static"), out, { recursive: true });
  for (const [target, source] of Object.entries(VENDOR)) {
    mkdirSync(dirname(join(out, target)), { recursive: true });
    copyFileSync(join(root, source), join(out, target));
  }
  const compressed = filesIn(out).filter((path) => /\.(js|css|html|svg)$/.test(path) && `${path}.gz` !== witness);
  for (const path of compressed) writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
  writeFileSync(witness, gzipSync(readFileSync(join(out, "index.html")), { level: 9 }));
}
