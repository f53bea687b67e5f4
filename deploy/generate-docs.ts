import { writeFile } from "node:fs/promises";
import { packageRoot } from "../src/core/built-file.ts";
import { GENERATED_DOCS } from "./docs/generated-docs.ts";

for (const [path, make] of Object.entries(GENERATED_DOCS)) {
  await writeFile(`${packageRoot}${path}`, make());
  console.log(path);
}
