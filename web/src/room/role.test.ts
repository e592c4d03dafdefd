import type { Member } from "@threadline/client";
import { expect, test } from "vitest";
import { initialsOf, rightsOf } from "./role.ts";

const member = (end_user_id: string, role: Member["role"]) => ({ end_user_id, role }) as Member;

test("where nobody was invited it is one's own", () => {
  expect(rightsOf([], "ann")).toEqual({ role: "owner", mayChange: true, isOwner: true });
});

test("a viewer changes nothing, a member says nothing about who takes part", () => {
  const members = [member("ann", "owner"), member("ben", "member"), member("cem", "viewer")];
  const of = (id: string | null) => rightsOf(members, id);
  expect([of("ann").isOwner, of("ben").isOwner, of("ben").mayChange, of("cem").mayChange]).toEqual([
    true,
    false,
    true,
    false,
  ]);
  expect(of(null).mayChange).toBe(false);
});

test.each([
  ["ann", "A"],
  ["Ann Lee", "AL"],
  ["ann.lee", "AL"],
  ["Émile von Stein", "ÉS"],
  ["😀 x", "😀X"],
  ["", "?"],
])("%s is %s for short", (name, initials) => {
  expect(initialsOf(name)).toBe(initials);
});
