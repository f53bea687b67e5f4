import { configDoc } from "./config-doc.ts";
import { errorsDoc } from "./errors-doc.ts";
import { mqttDoc } from "./mqtt-doc.ts";
import { trainerProtocolDoc } from "./trainer-protocol-doc.ts";

/** Every generated document by its path in the repository; `npm run docs` writes them, test/docs compares them. */
export const GENERATED_DOCS: Readonly<Record<string, () => string>> = {
  "docs/configuration.md": configDoc,
  "docs/errors.md": errorsDoc,
  "docs/mqtt.md": mqttDoc,
  "docs/trainer-protocol.md": trainerProtocolDoc,
};

/** Paths of the documents whose text is not what the sources say now. `read` gives a document's present text. */
export async function driftedDocs(read: (path: string) => Promise<string>): Promise<string[]> {
  const drifted: string[] = [];
  for (const [path, make] of Object.entries(GENERATED_DOCS)) if ((await read(path)) !== make()) drifted.push(path);
  return drifted;
}
