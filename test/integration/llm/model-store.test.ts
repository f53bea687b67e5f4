import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { packageRoot } from "../../../src/core/built-file.ts";
import { type Clock, SystemClock } from "../../../src/core/clock.ts";
import { loadConfig } from "../../../src/runtime/config/load-config.ts";
import { ModelStore, type PullRequest } from "../../../src/runtime/llm/model-store.ts";
import { FileServer } from "../../support/file-server.ts";
import { buildGguf, text } from "../../support/gguf-builder.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";
import { tinyLlamaPlan } from "../../support/tiny-models.ts";

/** Waits between attempts pass at once; the stall guard of a minute never fires. */
const impatientClock: Clock = {
  now: () => 0,
  monotonicMs: () => 0,
  after: (delayMs, callback) => {
    if (delayMs >= 60_000) return () => {};
    const immediate = setImmediate(callback);
    return () => clearImmediate(immediate);
  },
};

let folder: TempDir;
let server: FileServer;
let model: Buffer;
let hash: string;

beforeEach(async () => {
  folder = await makeTempDir("store");
  server = await FileServer.start();
  model = await readFile(`${packageRoot}models/seed-q8_0.gguf`);
  hash = createHash("sha256").update(model).digest("hex");
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await folder.dispose();
});

function makeStore(): ModelStore {
  const paths = {
    modelsDir: folder.join("models"),
    shippedDir: `${packageRoot}models`,
    configDir: folder.join("etc"),
  };
  return new ModelStore(paths, impatientClock);
}

function pull(source: string, changes: Partial<PullRequest> = {}) {
  return makeStore().pull({ source, signal: new AbortController().signal, onProgress: () => {}, ...changes });
}

/** Breaks the connections each time that many more bytes have come, so often. */
function dropEvery(bytes: number, times: number): (received: number) => void {
  let next = bytes;
  return (received) => {
    if (received < next || next > bytes * times) return;
    next += bytes;
    server.dropConnections();
  };
}

const stored = () => readdir(folder.join("models"));

describe("pull", () => {
  test("fetches, verifies the given hash, and leaves the model alone in the store", async () => {
    const progress: [number, number | null][] = [];
    const source = server.serve("/m/tiny.gguf", { bytes: model });
    const pulled = await pull(source, { sha256: hash.toUpperCase(), onProgress: (...args) => progress.push(args) });
    expect(pulled).toEqual({ path: folder.join("models", "tiny.gguf"), sha256: hash, isVerified: true, isNew: true });
    expect(await stored()).toEqual(["tiny.gguf"]);
    expect(model.equals(await readFile(pulled.path))).toBe(true);
    expect(progress[0]).toEqual([0, model.length]);
    expect(progress.at(-1)).toEqual([model.length, model.length]);
  });

  test("a model fetched by root can be read by the service's user", async () => {
    const pulled = await pull(server.serve("/tiny.gguf", { bytes: model }));
    expect((await stat(pulled.path)).mode & 0o777).toBe(0o644);
  });

  test("a connection that breaks 3 times: goes on where it stopped, 4 requests in all", async () => {
    const source = server.serve("/tiny.gguf", { bytes: model, holdAfterBytes: 500_000, holds: 3 });
    const pulled = await pull(source, { sha256: hash, onProgress: dropEvery(400_000, 3) });
    expect(model.equals(await readFile(pulled.path))).toBe(true);
    const starts = server.requests.map(({ range }) => Number(/\d+/.exec(range ?? "0")?.[0]));
    expect(starts[0]).toBe(0);
    expect(starts).toHaveLength(4);
    for (let i = 1; i < starts.length; i++) expect(starts[i]).toBeGreaterThan(starts[i - 1] ?? 0);
  });

  test("gives up after 3 attempts without a byte, keeps the part, and the next call goes on from it", async () => {
    const source = server.serve("/tiny.gguf", { bytes: model, holdAfterBytes: 800_000 });
    const abort = new AbortController();
    const cancelled = pull(source, { signal: abort.signal, onProgress: (bytes) => bytes >= 400_000 && abort.abort() });
    await expect(cancelled).rejects.toMatchObject({ code: "E_ABORTED" });
    expect(await stored()).toContain("tiny.gguf.part");

    server.serve("/tiny.gguf", { bytes: model, status: 503 });
    server.requests.length = 0;
    await expect(pull(source)).rejects.toMatchObject({ code: "E_DOWNLOAD_INTERRUPTED" });
    expect(server.requests).toHaveLength(3);
    expect(await stored()).toContain("tiny.gguf.part");

    server.serve("/tiny.gguf", { bytes: model });
    server.requests.length = 0;
    await pull(source, { sha256: hash });
    expect(server.requests[0]?.range).toMatch(/^bytes=[1-9]\d+-$/);
    expect(await stored()).toEqual(["tiny.gguf"]);
  });

  test("a server that ignores Range: begins again and is still right", async () => {
    const source = server.serve("/tiny.gguf", { bytes: model, ranges: false, holdAfterBytes: 900_000, holds: 1 });
    const pulled = await pull(source, { sha256: hash, onProgress: dropEvery(800_000, 1) });
    expect(model.equals(await readFile(pulled.path))).toBe(true);
    expect(server.requests).toHaveLength(2);
  });

  test("the file changed on the server in between: the old part is not continued", async () => {
    const older = Buffer.from(model);
    older.fill(7, 100, 900_000);
    const source = server.serve("/tiny.gguf", { bytes: older, etag: '"v1"', holdAfterBytes: 700_000 });
    const abort = new AbortController();
    const first = pull(source, { signal: abort.signal, onProgress: (bytes) => bytes >= 300_000 && abort.abort() });
    await expect(first).rejects.toMatchObject({ code: "E_ABORTED" });
    server.serve("/tiny.gguf", { bytes: model, etag: '"v2"' });
    expect((await pull(source)).sha256).toBe(hash);
  });

  test("a part that is complete already is verified without fetching it again", async () => {
    const source = server.serve("/tiny.gguf", { bytes: model, etag: '"v1"' });
    await mkdir(folder.join("models"));
    await writeFile(folder.join("models", "tiny.gguf.part"), model);
    await writeFile(folder.join("models", "tiny.gguf.part.json"), JSON.stringify({ url: source, etag: '"v1"' }));
    expect(await pull(source, { sha256: hash })).toMatchObject({ sha256: hash, isNew: true });
  });

  test("a wrong hash: E_DOWNLOAD_HASH, nothing left in the store", async () => {
    const source = server.serve("/tiny.gguf", { bytes: model });
    await expect(pull(source, { sha256: "0".repeat(64) })).rejects.toMatchObject({ code: "E_DOWNLOAD_HASH" });
    expect(await stored()).toEqual([]);
  });

  test("the hub's redirect: its hash is checked, the token goes to the hub alone", async () => {
    await using other = await FileServer.start();
    const target = other.serve("/blob", { bytes: model });
    server.serve("/org/repo/resolve/main/tiny.gguf", {
      bytes: new Uint8Array(),
      redirectTo: target,
      headers: { "x-linked-etag": `"${hash}"`, "x-linked-size": String(model.length) },
    });
    const pulled = await pull("hf:org/repo/tiny.gguf", { hubUrl: server.url, token: "secret" });
    expect(pulled).toMatchObject({ sha256: hash, isVerified: true });
    expect(server.requests[0]?.authorization).toBe("Bearer secret");
    expect(other.requests[0]?.authorization).toBeNull();
  });

  test("the hub announces another hash: E_DOWNLOAD_HASH", async () => {
    const target = server.serve("/blob", { bytes: model });
    server.serve("/org/repo/resolve/v1/tiny.gguf", {
      bytes: new Uint8Array(),
      redirectTo: target,
      headers: { "x-linked-etag": `"${"1".repeat(64)}"` },
    });
    await expect(pull("hf:org/repo@v1/tiny.gguf", { hubUrl: server.url })).rejects.toMatchObject({
      code: "E_DOWNLOAD_HASH",
    });
  });

  test.each([401, 403, 404])("%i: E_DOWNLOAD_REFUSED at the first attempt", async (status) => {
    const source = server.serve("/tiny.gguf", { bytes: model, status });
    await expect(pull(source)).rejects.toMatchObject({ code: "E_DOWNLOAD_REFUSED", details: { status } });
    expect(server.requests).toHaveLength(1);
  });

  test("endless redirects: E_DOWNLOAD_REFUSED", async () => {
    const source = server.serve("/tiny.gguf", { bytes: model, redirectTo: "/tiny.gguf" });
    await expect(pull(source)).rejects.toMatchObject({ code: "E_DOWNLOAD_REFUSED" });
  });

  test("more than the disk holds: E_DISK_FULL before the first byte", async () => {
    const target = server.serve("/blob", { bytes: model, chunked: true });
    const source = server.serve("/tiny.gguf", {
      bytes: model,
      redirectTo: target,
      headers: { "x-linked-size": String(2 ** 50) },
    });
    await expect(pull(source)).rejects.toMatchObject({ code: "E_DISK_FULL" });
    expect(await stored()).not.toContain("tiny.gguf");
  });

  test("an HTML page instead of a model: E_MODEL_INVALID, nothing left", async () => {
    const source = server.serve("/tiny.gguf", { bytes: Buffer.from("<html>log in</html>") });
    await expect(pull(source)).rejects.toMatchObject({ code: "E_MODEL_INVALID" });
    expect(await stored()).toEqual([]);
  });

  test("a model of another architecture: E_ARCH_UNSUPPORTED, unless allowed", async () => {
    const plan = tinyLlamaPlan({ "general.architecture": text("gemma3") });
    const bytes = buildGguf({
      ...plan,
      metadata: Object.fromEntries(
        Object.entries(plan.metadata).map(([key, value]) => [key.replace(/^llama\./, "gemma3."), value]),
      ),
    });
    const source = server.serve("/g.gguf", { bytes });
    await expect(pull(source)).rejects.toMatchObject({ code: "E_ARCH_UNSUPPORTED" });
    await expect(pull(source, { extraArchitectures: ["gemma3"] })).resolves.toMatchObject({ isNew: true });
  });

  test("a second pull of the same name fetches nothing", async () => {
    const source = server.serve("/tiny.gguf", { bytes: model });
    await pull(source);
    server.requests.length = 0;
    expect(await pull(source)).toMatchObject({ isNew: false, sha256: hash });
    expect(server.requests).toEqual([]);
  });

  test("an address nobody listens on: E_DOWNLOAD_INTERRUPTED", async () => {
    const source = server.serve("/tiny.gguf", { bytes: model });
    await server[Symbol.asyncDispose]();
    await expect(pull(source)).rejects.toMatchObject({ code: "E_DOWNLOAD_INTERRUPTED" });
  });
});

describe("list, find and use", () => {
  test("lists shipped and downloaded ones, and a damaged one with its code", async () => {
    await pull(server.serve("/b.gguf", { bytes: model }));
    await writeFile(folder.join("models", "a.gguf"), model.subarray(0, 1000));
    const models = await makeStore().list();
    expect(models.map(({ fileName, origin }) => [fileName, origin])).toEqual([
      ["seed-q8_0.gguf", "shipped"],
      ["a.gguf", "downloaded"],
      ["b.gguf", "downloaded"],
    ]);
    expect(models.map(({ content }) => ("code" in content ? content.code : content.name))).toEqual([
      "seed chat 2M",
      "E_MODEL_TRUNCATED",
      "seed chat 2M",
    ]);
  });

  test("an unknown name: E_MODEL_MISSING", async () => {
    await expect(makeStore().find("nothing")).rejects.toMatchObject({ code: "E_MODEL_MISSING" });
  });

  test("use writes a configuration file that the service reads", async () => {
    const { path } = await pull(server.serve("/b.gguf", { bytes: model }));
    const { configFile } = await makeStore().use("b");
    expect(parse(await readFile(configFile, "utf8"))).toEqual({ model: { path } });
    const { config, sources } = await loadConfig({
      env: {},
      fileRoots: { configDir: folder.join("etc"), firmwareDir: folder.path },
    });
    expect(config.model.path).toBe(path);
    expect(sources.get("model.path")?.where).toContain("50-model.yaml");
  });

  test("use refuses a model that cannot run, and keeps the choice there was", async () => {
    await makeStore().use("seed-q8_0");
    const bad = folder.join("bad.gguf");
    await writeFile(bad, model.subarray(0, 5000));
    await expect(makeStore().use(bad)).rejects.toMatchObject({ code: "E_MODEL_TRUNCATED" });
    const written = await readFile(folder.join("etc", "conf.d", "50-model.yaml"), "utf8");
    expect(parse(written).model.path).toContain("seed-q8_0.gguf");
  });

  test("another instance finds what one has fetched", async () => {
    await pull(server.serve("/c.gguf", { bytes: model }));
    const again = new ModelStore(
      { modelsDir: folder.join("models"), shippedDir: folder.join("none"), configDir: folder.join("etc") },
      new SystemClock(),
    );
    expect(await again.find("c.gguf")).toBe(folder.join("models", "c.gguf"));
    expect(await again.list()).toHaveLength(1);
  });
});
