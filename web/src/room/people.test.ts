import { expect, test } from "vitest";
import { obstacleTo, peopleOf, suggestedOf } from "./people.ts";

const people = (...ids: (string | null)[]) => ids.map((end_user_id) => ({ end_user_id }));

test("one knows the people of one's rooms, then the owners of what one sees, each once and not oneself", () => {
  expect(peopleOf("ann", people("ann", "cid", "ben", null), people("ben", "ann", null, "dee"))).toEqual([
    "ben",
    "dee",
    "cid",
  ]);
  expect(peopleOf(null, [], [])).toEqual([]);
});

test("who fits what is typed is suggested, without those who are there", () => {
  const known = ["ben@example.com", "Bea", "cid"];
  expect(suggestedOf(known, people("cid"), "")).toEqual(["ben@example.com", "Bea"]);
  expect(suggestedOf(known, [], " be")).toEqual(["ben@example.com", "Bea"]);
  expect(suggestedOf(known, [], "EXAMPLE")).toEqual(["ben@example.com"]);
  expect(suggestedOf(known, [], "Bea")).toEqual([]);
  expect(
    suggestedOf(
      Array.from({ length: 50 }, (_, place) => `p${place}`),
      [],
      "p",
    ),
  ).toHaveLength(6);
});

test("nobody, oneself and who is there cannot be invited", () => {
  expect(obstacleTo("", [], "ann")).toBe("nobody");
  expect(obstacleTo("ann", [], "ann")).toBe("yourself");
  expect(obstacleTo("ben", people("ben"), "ann")).toBe("there");
  expect(obstacleTo("cid", people("ben"), "ann")).toBeNull();
});
