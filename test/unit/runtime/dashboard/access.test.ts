import { describe, expect, test } from "vitest";
import { AccessToken, SESSION_S } from "../../../../src/runtime/dashboard/access-token.ts";
import { GuessLimit } from "../../../../src/runtime/dashboard/guess-limit.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

const token = new AccessToken("t".repeat(43));

describe("the cookie", () => {
  const cookie = token.cookie(0);

  test("is good until it expires", () => {
    expect(token.isGoodCookie(cookie, SESSION_S * 1000 - 1)).toBe(true);
    expect(token.isGoodCookie(cookie, SESSION_S * 1000)).toBe(false);
  });

  test("cannot be prolonged, altered or made for another token", () => {
    const [untilS = "", signature = ""] = cookie.split(".");
    expect(token.isGoodCookie(`${Number(untilS) + 1}.${signature}`, 0)).toBe(false);
    expect(token.isGoodCookie(`${untilS}.${signature.replace(/.$/, (last) => (last === "A" ? "B" : "A"))}`, 0)).toBe(
      false,
    );
    expect(new AccessToken("u".repeat(43)).isGoodCookie(cookie, 0)).toBe(false);
    expect(token.isGoodCookie("", 0)).toBe(false);
  });

  test("does not contain the token", () => {
    expect(cookie).not.toContain(token.text);
  });
});

test("only the whole token is right", () => {
  expect(token.isRight("t".repeat(43))).toBe(true);
  for (const wrong of ["", "t", "t".repeat(42), "t".repeat(44), `${"t".repeat(42)}u`])
    expect(token.isRight(wrong)).toBe(false);
});

describe("wrong tokens", () => {
  test("ten a minute, then the address waits until the first is a minute old", async () => {
    const clock = new FakeClock();
    const limit = new GuessLimit(clock);
    for (let i = 0; i < 10; i += 1) {
      expect(limit.waitMs("a")).toBe(0);
      limit.wrong("a");
      await clock.advance(1_000);
    }
    expect(limit.waitMs("a")).toBe(50_000);
    expect(limit.waitMs("b")).toBe(0);
    await clock.advance(50_000);
    expect(limit.waitMs("a")).toBe(0);
  });
});
