import { execFileSync } from "node:child_process";

/**
 * Workers and children run from dist/ (plain Node 20 cannot load .ts), so every project builds it once first. Types are
 * not checked here: `tsc --noEmit` is a gate of its own.
 */
export function setup(): void {
  const compiler = ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json", "--noCheck"];
  execFileSync(process.execPath, compiler, { stdio: "inherit" });
  execFileSync(process.execPath, ["deploy/build-dashboard.mjs"], { stdio: "inherit" });
}
