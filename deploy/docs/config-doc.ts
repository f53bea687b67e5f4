import type { ConfigKey } from "../../src/runtime/config/config-key.ts";
import { CONFIG_KEYS, CONFIG_SECTIONS, envNameOf } from "../../src/runtime/config/schema.ts";
import { markdownTable } from "./markdown.ts";

/** docs/configuration.md, from the schema. */
export function configDoc(): string {
  const sections = Object.keys(CONFIG_SECTIONS).map((section) => {
    const keys = [...CONFIG_KEYS].filter(([path]) => path.startsWith(`${section}.`));
    const rows = keys.map(([path, key]) => [
      `\`${path}\``,
      `\`${envNameOf(path)}\``,
      key.accepts,
      shownDefault(key),
      key.doc,
    ]);
    return `## ${section}\n\n${markdownTable(["key", "environment", "accepts", "default", "meaning"], rows)}\n`;
  });
  return `${INTRODUCTION}\n${sections.join("\n")}`;
}

function shownDefault(key: ConfigKey<unknown>): string {
  return key.default === "" ? "empty" : `\`${JSON.stringify(key.default)}\``;
}

const INTRODUCTION = `# Configuration

<!-- Generated from src/runtime/config by \`npm run docs\`; do not edit. -->

Every key has a default: \`asls run\` works without any file. A later layer wins over an earlier one:

1. the default below
2. the profile of the board (\`board.profile\`)
3. \`/etc/asls/asls.yaml\`
4. \`/etc/asls/conf.d/*.yaml\`, by name
5. environment variables
6. \`--set key=value\` on the command line, \`--board\`

\`asls config print\` shows each value with the file and line, variable or flag it came from; \`asls config check\` lists
everything that is wrong, in all layers, and ends with exit code 78. Unknown keys are errors. Relative paths start at the
folder of the file they are written in, or at the current folder for variables and flags.

\`\`\`yaml
# /etc/asls/asls.yaml
vad:
  trailingSilenceMs: 900
mqtt:
  url: mqtt://192.0.2.10:1883
  username: asls
  passwordFile: mqtt-password
\`\`\`

Secrets belong in files (\`mqtt.passwordFile\`) or in a systemd credential named \`mqtt-password\`; they are never printed.
`;
