import { fileURLToPath } from "node:url";

const thisFile = fileURLToPath(import.meta.url);
const runsFromSource = thisFile.endsWith(".ts");

/** Root of the package: the folder that holds package.json, models/ and dist/. */
export const packageRoot = fileURLToPath(new URL("../../", import.meta.url));

/**
 * Path of the compiled twin of a module, for worker threads and children: `"sensors/vad-worker"` is
 * `dist/sensors/vad-worker.js`, also when the caller itself runs from src/ (tests, benchmarks).
 */
export function builtFile(module: string): string {
  return runsFromSource
    ? `${packageRoot}dist/${module}.js`
    : fileURLToPath(new URL(`../${module}.js`, import.meta.url));
}
