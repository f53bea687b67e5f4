import { expect, test } from "vitest";
import { domainFigures, domainTable } from "../../../bench/personalisation/domain-figures.ts";
import type { DomainLosses, DomainResult } from "../../../bench/personalisation/domains.ts";

const losses = (own: number, others: number): DomainLosses => ({ own, others });

/** Drops against the base: general 10 % and 20 %, task 19 % and 12 %, alone 5 % and -2 %. */
const result: DomainResult = {
  domain: "music",
  learned: 20,
  base: losses(5, 5),
  general: losses(5 + Math.log(0.9), 5 + Math.log(0.8)),
  task: losses(5 + Math.log(0.81), 5 + Math.log(0.88)),
  alone: losses(5 + Math.log(0.95), 5 + Math.log(1.02)),
  cpuSeconds: 1,
};

test("gain and spill are against the general adapter, carry-over against the base", () => {
  const figures = domainFigures([result]);
  expect(figures.domain_gain?.value).toBeCloseTo(0.1, 10);
  expect(figures.domain_spill?.value).toBeCloseTo(-0.1, 10);
  expect(figures.domain_alone?.value).toBeCloseTo(0.05, 10);
  expect(figures.domain_carry_over?.value).toBeCloseTo(-0.02, 10);
});

test("the table gives drops against the base", () => {
  expect(domainTable([result])).toContain(
    "| task: the general one, trained further on the domain | 19.0 % (19.0 % to 19.0 %) | 12.0 %",
  );
});

test("nothing measured: no figure has a value, and there is no table", () => {
  expect(Object.values(domainFigures([])).every(({ value }) => value === null)).toBe(true);
  expect(domainTable([])).toBe("");
});
