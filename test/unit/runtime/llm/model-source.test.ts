import { describe, expect, test } from "vitest";
import { parseModelSource } from "../../../../src/runtime/llm/model-source.ts";

describe("parseModelSource", () => {
  test.each([
    [
      "hf:Qwen/Qwen3-0.6B-GGUF/Qwen3-0.6B-Q8_0.gguf",
      "https://huggingface.co/Qwen/Qwen3-0.6B-GGUF/resolve/main/Qwen3-0.6B-Q8_0.gguf",
      "Qwen3-0.6B-Q8_0.gguf",
    ],
    ["hf:o/r@v1.2/sub/m.gguf", "https://huggingface.co/o/r/resolve/v1.2/sub/m.gguf", "m.gguf"],
    ["https://huggingface.co/o/r/blob/main/m.gguf", "https://huggingface.co/o/r/resolve/main/m.gguf", "m.gguf"],
    ["https://example.org/a/m.gguf?download=true", "https://example.org/a/m.gguf?download=true", "m.gguf"],
    ["http://localhost:8080/m.gguf", "http://localhost:8080/m.gguf", "m.gguf"],
  ])("%s", (source, url, fileName) => {
    const parsed = parseModelSource(source);
    expect([parsed.url.href, parsed.fileName]).toEqual([url, fileName]);
  });

  test.each([
    "hf:only/two",
    "hf:o/r/../../m.gguf",
    "hf:o/r/readme.md",
    "m.gguf",
    "http://example.org/m.gguf",
    "ftp://example.org/m.gguf",
    "file:///etc/m.gguf",
    "https://user:secret@example.org/m.gguf",
    "https://example.org/%2e%2e%2fm.gguf",
    "https://example.org/.gguf",
    "https://example.org/m-00001-of-00003.gguf",
  ])("%s: E_DOWNLOAD_URL", (source) => {
    expect(() => parseModelSource(source)).toThrow(expect.objectContaining({ code: "E_DOWNLOAD_URL" }));
  });

  test("a password in an address does not reach the error", () => {
    expect(() => parseModelSource("https://user:secret@example.org/m.gguf")).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("secret") }),
    );
  });
});
