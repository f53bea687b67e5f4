import fc from "fast-check";
import { expect, test } from "vitest";
import {
  activeVersion,
  generalVersions,
  NO_POINTERS,
  previousVersion,
  rolledBack,
  slotOf,
  withActive,
  withRevoked,
} from "../../../src/adapt/adapter-pointers.ts";

const BASE = "b";
const all = () => true;
const after = (...versions: string[]) =>
  versions.reduce((pointers, version, i) => withActive(pointers, BASE, version, i), NO_POINTERS);

test("rolled back from c over b to a, then to none", () => {
  let pointers = after("a", "b", "c");
  const seen: (string | null)[] = [];
  for (let i = 0; i < 4; i += 1) {
    pointers = rolledBack(pointers, BASE, all);
    seen.push(activeVersion(pointers, BASE));
  }
  expect(seen).toEqual(["b", "a", null, null]);
});

test("an old version put into use again goes back to the one it replaced", () => {
  expect(previousVersion(after("a", "b", "a"), BASE)).toBe("b");
});

test("one base's versions never serve another base", () => {
  const pointers = withActive(after("a"), "other", "x", 9);
  expect(previousVersion(pointers, "other")).toBeNull();
  expect(activeVersion(rolledBack(pointers, "other", all), BASE)).toBe("a");
});

test("a domain's version is in use beside the general one, and a rollback of the general one leaves it", () => {
  const slot = slotOf(BASE, "lights");
  const pointers = rolledBack(withActive(after("a", "b"), slot, "t", 9), BASE, all);
  expect([activeVersion(pointers, BASE), activeVersion(pointers, slot)]).toEqual(["a", "t"]);
  expect(generalVersions(pointers)).toEqual(["a"]);
  expect(activeVersion(withRevoked(pointers, ["t"], all), slot)).toBeNull();
});

test("whatever is activated, revoked and rolled back: a revoked version is never in use", () => {
  const version = fc.constantFrom("a", "b", "c", "d");
  const step = fc.oneof(
    fc.record({ kind: fc.constant("activate" as const), version }),
    fc.record({ kind: fc.constant("revoke" as const), version }),
    fc.record({ kind: fc.constant("rollback" as const), version }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      let pointers = NO_POINTERS;
      for (const { kind, version: each } of steps) {
        // The store refuses to activate a revoked one.
        if (kind === "activate" && !pointers.revoked.includes(each)) pointers = withActive(pointers, BASE, each, 0);
        if (kind === "revoke") pointers = withRevoked(pointers, [each], all);
        if (kind === "rollback") pointers = rolledBack(pointers, BASE, all);
        const active = activeVersion(pointers, BASE);
        expect(active === null || !pointers.revoked.includes(active)).toBe(true);
      }
    }),
  );
});
