import { beforeEach, describe, expect, test } from "vitest";
import { AppError } from "../../../../src/core/errors.ts";
import type { RequestOf, ResponseOf } from "../../../../src/runtime/mqtt/requests.ts";
import { ForgetRequests } from "../../../../src/runtime/service/forget-requests.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

type Answer = ResponseOf<"profile/forget">;
const ACTIVE = `p_${"a".repeat(16)}`;
const OTHER = `p_${"b".repeat(16)}`;
const RECEIPT = { rows: 3, files: 2, adapters: 1, retainedTopics: 1, verified: true };
const signal = new AbortController().signal;

let clock: FakeClock;
let forgotten: string[];
let later: Answer[];
let isButtonWaitedFor: boolean;
let holdButton: () => void;
let requests: ForgetRequests;
beforeEach(() => {
  clock = new FakeClock();
  forgotten = [];
  later = [];
  isButtonWaitedFor = false;
  holdButton = () => {};
  requests = new ForgetRequests({
    clock,
    askPresence: (withdrawn) => {
      if (isButtonWaitedFor) return null;
      isButtonWaitedFor = true;
      return new Promise((resolve) => {
        const settle = (isPresent: boolean) => {
          isButtonWaitedFor = false;
          resolve(isPresent);
        };
        withdrawn.addEventListener("abort", () => settle(false), { once: true });
        holdButton = () => settle(true);
      });
    },
    activeProfile: async () => ACTIVE,
    requireProfile: async (id) => {
      if (id !== ACTIVE && id !== OTHER) throw new AppError("E_PROFILE_UNKNOWN", "unknown");
    },
    forget: async (id) => {
      forgotten.push(id);
      return RECEIPT;
    },
    onFailure: (error) => {
      throw error;
    },
  });
});

const ask = (request: Partial<RequestOf<"profile/forget">> = {}) =>
  requests.handle(
    { profile: null, confirm: null, ...request },
    {
      signal,
      origin: "mqtt",
      followUp: (data) => {
        later.push(data);
      },
    },
  );
const settled = () => new Promise((resolve) => setImmediate(resolve));
const invalid = { code: "E_CONFIRM_INVALID" };

test("the first request erases nothing and returns a token for 60 s", async () => {
  const answer = await ask();
  expect(answer).toMatchObject({ outcome: "armed", profile: ACTIVE, expiresS: 60, receipt: null });
  expect(answer.confirm).toMatch(/^c_[0-9a-f]{16}$/);
  expect(forgotten).toEqual([]);
});

describe("by token", () => {
  test("the same request with the token erases that profile, once", async () => {
    const { confirm } = await ask({ profile: OTHER });
    expect(await ask({ confirm })).toEqual({
      outcome: "forgotten",
      profile: OTHER,
      confirm: null,
      expiresS: null,
      receipt: RECEIPT,
    });
    await expect(ask({ confirm })).rejects.toMatchObject(invalid);
    expect(forgotten).toEqual([OTHER]);
  });

  test("after 60 s, for another profile, or with a token of an earlier arming it is refused", async () => {
    const { confirm: early } = await ask();
    await clock.advance(60_000);
    await expect(ask({ confirm: early })).rejects.toMatchObject(invalid);
    const { confirm: first } = await ask();
    const { confirm: second } = await ask();
    await expect(ask({ confirm: first })).rejects.toMatchObject(invalid);
    await expect(ask({ confirm: second, profile: OTHER })).rejects.toMatchObject(invalid);
    expect(forgotten).toEqual([]);
  });

  test("without arming, or for a profile that is not there, nothing is erased", async () => {
    await expect(ask({ confirm: `c_${"0".repeat(16)}` })).rejects.toMatchObject(invalid);
    await expect(ask({ profile: `p_${"c".repeat(16)}` })).rejects.toMatchObject({ code: "E_PROFILE_UNKNOWN" });
    expect(forgotten).toEqual([]);
  });
});

describe("by button", () => {
  test("holding it erases the armed profile; the receipt follows as a second answer", async () => {
    await ask();
    holdButton();
    await settled();
    expect(forgotten).toEqual([ACTIVE]);
    expect(later).toMatchObject([{ outcome: "forgotten", profile: ACTIVE, receipt: RECEIPT }]);
  });

  test("while something else waits for the button, it does not erase: only the token does", async () => {
    isButtonWaitedFor = true;
    const { confirm } = await ask();
    holdButton();
    await settled();
    expect(forgotten).toEqual([]);
    expect(await ask({ confirm })).toMatchObject({ outcome: "forgotten" });
  });

  test("after an erasure by token, or another arming, the button is free for the next one", async () => {
    const { confirm } = await ask();
    await ask({ confirm });
    await ask();
    await ask({ profile: OTHER });
    holdButton();
    await settled();
    expect(forgotten).toEqual([ACTIVE, OTHER]);
  });

  test("after the token was used, the button erases nothing more", async () => {
    const { confirm } = await ask();
    await ask({ confirm });
    holdButton();
    await settled();
    expect(forgotten).toEqual([ACTIVE]);
  });
});
