import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../../../src/core/built-file.ts";
import { SERVICE_ENVIRONMENT, SERVICE_NODE_OPTIONS } from "../../../src/core/service-launch.ts";

const command = (script: string) => `node ${SERVICE_NODE_OPTIONS.join(" ")} ${script} run`;

describe("launch of the service", () => {
  it("the systemd unit starts it with the same options and environment as the demo", () => {
    const unit = readFileSync(`${packageRoot}systemd/asls.service`, "utf8");
    const environment = Object.entries(SERVICE_ENVIRONMENT).map(([name, value]) => `${name}=${value}`);
    expect(unit).toContain(`\nExecStart=/usr/lib/asls/bin/${command("/usr/lib/asls/dist/cli.js")}\n`);
    expect(unit).toContain(`\nEnvironment=${environment.join(" ")}\n`);
  });

  it("npm start does too", () => {
    const { scripts } = JSON.parse(readFileSync(`${packageRoot}package.json`, "utf8")) as {
      scripts: Record<string, string>;
    };
    const environment = Object.entries(SERVICE_ENVIRONMENT).map(([name, value]) => `${name}=${value}`);
    expect(scripts.start).toContain(`${environment.join(" ")} ${command("dist/cli.js")}`);
  });
});
