import { configDoc } from "./config-doc.ts";
import { dependenciesDoc } from "./dependencies-doc.ts";
import { discoveryExample } from "./discovery-example.ts";
import { errorsDoc } from "./errors-doc.ts";
import { governorPlot } from "./governor-plots.ts";
import { mqttDoc } from "./mqtt-doc.ts";
import { trainerProtocolDoc } from "./trainer-protocol-doc.ts";

/** Every generated document by its path in the repository; `npm run docs` writes them, test/docs compares them. */
export const GENERATED_DOCS: Readonly<Record<string, () => string>> = {
  "docs/configuration.md": configDoc,
  "docs/errors.md": errorsDoc,
  "docs/mqtt.md": mqttDoc,
  "docs/examples/homeassistant-discovery.json": discoveryExample,
  "docs/trainer-protocol.md": trainerProtocolDoc,
  "docs/dependencies.md": dependenciesDoc,
  "docs/plots/governor-day-auto.svg": () => governorPlot("auto", null),
  "docs/plots/governor-day-quiet.svg": () => governorPlot("quiet", 24),
};

/** Paths of the documents whose text is not what the sources say now. `read` gives a document's present text. */
export async function driftedDocs(read: (path: string) => Promise<string>): Promise<string[]> {
  const drifted: string[] = [];
  for (const [path, make] of Object.entries(GENERATED_DOCS)) if ((await read(path)) !== make()) drifted.push(path);
  return drifted;
}
