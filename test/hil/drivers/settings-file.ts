/** `a.b=c` lines as a configuration file; JSON is YAML. */
export function settingsFile(settings: readonly string[]): string {
  const root: Record<string, unknown> = {};
  for (const setting of settings) {
    const [path = "", ...rest] = setting.split("=");
    const keys = path.split(".");
    const last = keys.pop() ?? "";
    let folder = root;
    for (const key of keys) {
      const inner = (folder[key] ?? {}) as Record<string, unknown>;
      folder[key] = inner;
      folder = inner;
    }
    folder[last] = parsed(rest.join("="));
  }
  return `${JSON.stringify(root, null, 2)}\n`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
