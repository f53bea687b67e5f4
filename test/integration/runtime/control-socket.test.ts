import { stat, writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { AppError } from "../../../src/core/errors.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import { callService } from "../../../src/runtime/control/control-client.ts";
import { MAX_LINE_BYTES } from "../../../src/runtime/control/control-protocol.ts";
import { type ControlHandlers, ControlServer } from "../../../src/runtime/control/control-server.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

const refuse = () => Promise.reject(new AppError("E_USAGE", "not in this test"));
const base: ControlHandlers = {
  status: async () => ({ phase: "idle" }),
  dashboard: refuse,
  watch: refuse,
  say: refuse,
  listen: refuse,
  play: refuse,
  press: refuse,
  plug: refuse,
  governorStatus: refuse,
  governorMode: refuse,
  governorBudget: refuse,
  setTempC: refuse,
  setInputW: refuse,
  setMains: refuse,
  setBattery: refuse,
  setMemoryPressure: refuse,
  setThrottle: refuse,
  skipTime: refuse,
  jumpClock: refuse,
  feedback: refuse,
  mute: refuse,
  consent: refuse,
  consentDecide: refuse,
  consentShow: refuse,
  guest: refuse,
  profileList: refuse,
  profileShow: refuse,
  profileExport: refuse,
  profileSelect: refuse,
  profileCreate: refuse,
  factEdit: refuse,
  factDelete: refuse,
  interactionDelete: refuse,
  keysRotate: refuse,
  profileForget: refuse,
  profileRetention: refuse,
  profileExplain: refuse,
  trainNow: refuse,
  trainStatus: refuse,
  trainWatch: refuse,
  trainCancel: refuse,
  trainPause: refuse,
  learning: refuse,
  adapterList: refuse,
  adapterShow: refuse,
  adapterActivate: refuse,
  adapterRollback: refuse,
  adapterDiff: refuse,
};

async function serving(handlers: Partial<ControlHandlers>) {
  const folder = await makeTempDir("control");
  const path = folder.join("run", "asls.sock");
  const server = new ControlServer(path, { ...base, ...handlers }, silentLogger);
  await server.start();
  return {
    path,
    server,
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      await folder.dispose();
    },
  };
}

/** Writes raw bytes and returns all that came back. */
function raw(path: string, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(path, () => socket.write(bytes));
    socket.on("data", (chunk) => {
      text += String(chunk);
    });
    socket.on("close", () => resolve(text));
    socket.on("error", reject);
  });
}

test("streams events, then one result", async () => {
  await using served = await serving({
    say: async ({ text }, emit) => {
      emit("text", { piece: text.toUpperCase() });
      return { done: true };
    },
  });
  const events: unknown[] = [];
  const result = await callService(
    served.path,
    "say",
    { text: "hello", aloud: false },
    { onEvent: (_, data) => events.push(data) },
  );
  expect(events).toEqual([{ piece: "HELLO" }]);
  expect(result).toEqual({ done: true });
});

test("a coded error arrives with its code and hint", async () => {
  await using served = await serving({
    say: () => Promise.reject(new AppError("E_TIMEOUT", "too slow", { hint: "wait" })),
  });
  await expect(callService(served.path, "say", { text: "x", aloud: false })).rejects.toMatchObject({
    code: "E_TIMEOUT",
    hint: "wait",
  });
});

describe("a service that hangs", () => {
  /** Takes connections and sends these lines to each request; nothing more. */
  async function hanging(...lines: readonly object[]) {
    const folder = await makeTempDir("hanging");
    const path = folder.join("asls.sock");
    const asked: (() => void)[] = [];
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on("data", () => {
        for (const line of lines) socket.write(`${JSON.stringify(line)}\n`);
        asked.shift()?.();
      });
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    return {
      path,
      asked: new Promise<void>((resolve) => asked.push(resolve)),
      [Symbol.asyncDispose]: async () => {
        for (const socket of sockets) socket.destroy();
        await new Promise((resolve) => server.close(resolve));
        await folder.dispose();
      },
    };
  }

  test("and does not take the request within 30 s is E_TIMEOUT", async () => {
    await using service = await hanging();
    const clock = new FakeClock();
    const call = callService(service.path, "say", { text: "x", aloud: false }, { clock });
    call.catch(() => {}); // expected below
    await service.asked;
    await clock.advance(30_000);
    await expect(call).rejects.toMatchObject({ code: "E_TIMEOUT" });
    expect(clock.pendingTimers).toBe(0);
  });

  test("after it has taken the request is E_TIMEOUT for who set a limit, and waited for by all others", async () => {
    const hangUp = new AbortController();
    await using service = await hanging({ v: 1, type: "taken" }, { v: 1, type: "event", event: "text", data: "a" });
    const clock = new FakeClock();
    const call = (silenceMs: number | null) => {
      let result: Promise<unknown> = Promise.resolve();
      const heard = new Promise<void>((resolve) => {
        const options = { clock, silenceMs, signal: hangUp.signal, onEvent: () => resolve() };
        result = callService(service.path, "say", { text: "x", aloud: false }, options);
        result.catch(() => {}); // expected below
      });
      return { result, heard };
    };
    const [limited, patient] = [call(120_000), call(null)];
    await limited.heard;
    await patient.heard;
    await clock.advance(120_000);
    await expect(limited.result).rejects.toMatchObject({ code: "E_TIMEOUT" });
    hangUp.abort();
    await expect(patient.result).rejects.toMatchObject({ code: "E_ABORTED" });
    expect(clock.pendingTimers).toBe(0);
  });
});

test("only the owner may open the socket (mode 0600)", async () => {
  await using served = await serving({});
  expect((await stat(served.path)).mode & 0o777).toBe(0o600);
});

test("not JSON, an unknown method, a wrong parameter and an endless line are E_CONTROL_PROTOCOL; the server stays up", async () => {
  await using served = await serving({});
  const wrong = [
    "hello\n",
    '{"v":1,"method":"reboot","params":{}}\n',
    '{"v":1,"method":"say","params":{"text":7}}\n',
    '{"v":2,"method":"status","params":{}}\n',
    Buffer.alloc(MAX_LINE_BYTES + 1, 0x61),
  ];
  for (const bytes of wrong) expect(await raw(served.path, bytes)).toContain("E_CONTROL_PROTOCOL");
  expect(await callService(served.path, "status", {})).toEqual({ phase: "idle" });
});

test("the handler's signal fires when the caller hangs up", async () => {
  let hungUp = () => {};
  const seen = new Promise<void>((resolve) => {
    hungUp = resolve;
  });
  await using served = await serving({
    watch: (_params, emit, signal) => {
      signal.addEventListener("abort", () => hungUp());
      emit("ready", null);
      return new Promise(() => {});
    },
  });
  const caller = new AbortController();
  const call = callService(served.path, "watch", {}, { onEvent: () => caller.abort(), signal: caller.signal });
  await expect(call).rejects.toMatchObject({ code: "E_ABORTED" });
  await seen;
});

test("a second service on the same socket is refused, a stale socket file is not in the way", async () => {
  await using served = await serving({});
  const second = new ControlServer(served.path, base, silentLogger);
  await expect(second.start()).rejects.toMatchObject({ code: "E_ALREADY_RUNNING" });
  await served.server.stop();
  await writeFile(served.path, "");
  await second.start();
  expect(await callService(served.path, "status", {})).toEqual({ phase: "idle" });
  await second.stop();
});

test("nobody there is E_SERVICE_NOT_RUNNING", async () => {
  await using folder = await makeTempDir("control");
  await expect(callService(folder.join("none.sock"), "status", {})).rejects.toMatchObject({
    code: "E_SERVICE_NOT_RUNNING",
  });
});
