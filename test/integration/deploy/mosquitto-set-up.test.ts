import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { promisify } from "node:util";
import { connectAsync } from "mqtt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { packageRoot } from "../../../src/core/built-file.ts";
import { describeWhen, lacksProgram } from "../../support/describe-when.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";

const run = promisify(execFile);
const CLI = `${packageRoot}dist/cli.js`;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  return typeof address === "object" && address !== null ? address.port : 0;
}

describeWhen(
  lacksProgram("mosquitto", "mosquitto_passwd", "openssl"),
  "Mosquitto as mosquitto/set-up.sh leaves it",
  () => {
    let etc: TempDir;
    let port = 0;
    let said = "";
    let broker: ReturnType<typeof spawn>;
    /** What asls sees: the configuration that was written, and the credential as systemd hands it over. */
    let env: Record<string, string | undefined> = {};

    const setUp = () =>
      run(
        "sh",
        [
          "deploy/mosquitto/set-up.sh",
          "--etc",
          etc.path,
          "--host",
          "127.0.0.1",
          "--host",
          "asls.lan",
          "--port",
          `${port}`,
        ],
        {
          cwd: packageRoot,
          env: { ...env, ASLS: `${process.execPath} ${CLI}` },
        },
      );

    beforeAll(async () => {
      etc = await makeTempDir("etc");
      await chmod(etc.path, 0o755); // Mosquitto reads it as another user
      port = await freePort();
      env = {
        ...process.env,
        ASLS_PATHS_CONFIG_DIR: etc.join("asls"),
        ASLS_PATHS_STATE_DIR: etc.join("state"),
        ASLS_PATHS_RUNTIME_DIR: etc.join("run"),
        ASLS_BOARD_PROFILE: "virtual",
      };
      said = (await setUp()).stdout;
      await writeFile(etc.join("mosquitto.conf"), `include_dir ${etc.join("mosquitto/conf.d")}\n`);
      broker = spawn("mosquitto", ["-c", etc.join("mosquitto.conf")], { stdio: ["ignore", "ignore", "pipe"] });
      let log = "";
      await new Promise<void>((resolve, reject) => {
        broker.stderr?.on("data", (chunk: Buffer) => {
          log += chunk;
          if (log.includes("running")) resolve();
        });
        broker.once("exit", () => reject(new Error(`mosquitto ended: ${log}`)));
      });
      env.CREDENTIALS_DIRECTORY = etc.join("credstore");
    });
    afterAll(async () => {
      broker?.removeAllListeners("exit").kill();
      await etc?.dispose();
    });

    const passwordOf = (account: string) => new RegExp(`^password of ${account}: (.*)$`, "m").exec(said)?.[1] ?? "";
    const connect = async (more: object) =>
      await connectAsync(`mqtts://127.0.0.1:${port}`, {
        ca: await readFile(etc.join("asls/broker-ca.crt")),
        reconnectPeriod: 0,
        connectTimeout: 20_000,
        ...more,
      });

    test("asls connects with the files as written, and is allowed to delete its announcement", async () => {
      const { stdout } = await run(process.execPath, [CLI, "mqtt", "discovery", "clear", "--json"], { env });
      expect(JSON.parse(stdout)).toEqual({ cleared: 1 });
    });

    test("nobody gets in without an account, without TLS, or with another authority", async () => {
      await expect(connect({})).rejects.toThrow(/not authorized/i);
      await expect(
        connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0, connectTimeout: 5_000 }),
      ).rejects.toThrow();
      await expect(
        connect({ ca: undefined, username: "dashboard", password: passwordOf("dashboard") }),
      ).rejects.toThrow(/certificate/i);
    });

    test("a dashboard gets in by the password that was printed; asls's own was not printed", async () => {
      const client = await connect({ username: "dashboard", password: passwordOf("dashboard") });
      await client.endAsync();
      expect(said).not.toContain("password of asls");
      expect(await readFile(etc.join("credstore/mqtt-password"), "utf8")).toMatch(/^\S{32}$/);
    });

    test("run again, it keeps authority and accounts and prints no password", async () => {
      const before = await readFile(etc.join("mosquitto/asls/ca.crt"), "utf8");
      const accounts = await readFile(etc.join("mosquitto/asls/passwords"), "utf8");
      expect((await setUp()).stdout).not.toContain("password of");
      expect(await readFile(etc.join("mosquitto/asls/ca.crt"), "utf8")).toBe(before);
      expect(await readFile(etc.join("mosquitto/asls/passwords"), "utf8")).toBe(accounts);
      expect(accounts).not.toContain(passwordOf("dashboard"));
    });
  },
);
