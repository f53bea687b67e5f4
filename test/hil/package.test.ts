import { expect, test } from "vitest";
import { describeWhen } from "../support/describe-when.ts";
import { missing, openBoard } from "./open-board.ts";
import { newPerson } from "./person.ts";

describeWhen(missing("packages"), "the Debian package", () => {
  test("upgraded and rolled back: profile and settings stay, the service runs after each", async () => {
    await using board = await openBoard();
    const profile = await newPerson(board, "owner");
    const said = "remember the milk";
    expect(await board.service.call("say", { text: said, aloud: false })).toMatchObject({ outcome: "answered" });
    const config = await board.place.run("sha256sum /etc/asls/asls.yaml");
    const before = await board.installedVersion();
    for (const which of ["other", "first"] as const) {
      await board.installPackage(which);
      const version = await board.installedVersion();
      if (which === "other") expect(version).not.toBe(before);
      else expect(version).toBe(before);
      expect(await board.service.call("status", {})).toMatchObject({ profile, phase: "idle" });
      const { interactions } = (await board.service.call("profileExport", { profile: null })) as {
        interactions: { input: string }[];
      };
      expect(interactions.map(({ input }) => input)).toEqual([said]);
      expect(await board.place.run("sha256sum /etc/asls/asls.yaml")).toBe(config);
    }
  });
});
