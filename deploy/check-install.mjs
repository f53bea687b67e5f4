// Exits 0 when node_modules holds what package-lock.json asks for (npm's own record of what it installed is compared),
// otherwise prints the first difference and exits 1. Runs before anything is installed: plain JavaScript, no imports.
import { readFileSync } from "node:fs";

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8")).packages;
  } catch {
    return undefined;
  }
}

function firstDifference() {
  const wanted = readPackages("package-lock.json");
  const installed = readPackages("node_modules/.package-lock.json");
  if (installed === undefined) return "not installed yet";
  for (const [path, entry] of Object.entries(wanted ?? {})) {
    if (path === "") continue;
    const present = installed[path];
    if (present === undefined && entry.optional) continue; // made for another system
    if (present === undefined) return `${path} is missing`;
    if (present.version !== entry.version || present.integrity !== entry.integrity) {
      return `${path} is ${present.version}, ${entry.version} is wanted`;
    }
  }
  return undefined;
}

const difference = firstDifference();
if (difference !== undefined) {
  process.stdout.write(`${difference}\n`);
  process.exit(1);
}
