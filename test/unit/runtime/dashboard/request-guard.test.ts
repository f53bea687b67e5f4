import { describe, expect, test } from "vitest";
import { isOwnHost, isSameOrigin } from "../../../../src/runtime/dashboard/request-guard.ts";

describe("names of the device", () => {
  test.each(["127.0.0.1:8130", "192.0.2.7", "[::1]:8130", "localhost:1", "LOCALHOST", "kitchen.local:8130"])(
    "%s is one",
    (host) => {
      expect(isOwnHost(host, ["kitchen.local"])).toBe(true);
    },
  );

  test.each([
    undefined,
    "",
    "evil.example",
    "127.0.0.1.evil.example",
    "kitchen.local.evil.example",
    "a b",
    "user@localhost",
    "[::1",
    "localhost:99999999",
  ])("%s is none", (host) => {
    expect(isOwnHost(host, ["kitchen.local"])).toBe(false);
  });
});

describe("requests of other sites", () => {
  const plain = { method: "POST", host: "h:1", origin: "http://h:1", fetchSite: undefined };

  test("a request of our own page is let in", () => {
    expect(isSameOrigin(plain)).toBe(true);
    expect(isSameOrigin({ ...plain, fetchSite: "same-origin" })).toBe(true);
    expect(isSameOrigin({ ...plain, origin: "https://h:1" })).toBe(true);
  });

  test("somebody typing the address is let in", () => {
    expect(isSameOrigin({ method: "GET", host: "h:1", origin: undefined, fetchSite: "none" })).toBe(true);
  });

  test.each([
    ["another origin", { origin: "http://evil.example" }],
    ["another port", { origin: "http://h:2" }],
    ["an opaque origin", { origin: "null" }],
    ["a change that does not say where it comes from", { origin: undefined }],
    ["a browser that says cross-site", { fetchSite: "cross-site" }],
    ["a browser that says same-site", { fetchSite: "same-site" }],
  ])("%s is refused", (_, change) => {
    expect(isSameOrigin({ ...plain, ...change })).toBe(false);
  });
});
