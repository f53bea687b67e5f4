import { execFileSync } from "node:child_process";

/** Workers and children run from dist/ (plain Node 20 cannot load .ts), so every project builds it once first. */
export function setup(): void {
  execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"], {
    stdio: "inherit",
  });
}
