import type { Client, Thread } from "@threadline/client";
import { expect, test } from "vitest";
import { knownTo } from "./known-people.ts";

const named = (...ids: readonly string[]) => ids.map((end_user_id) => ({ end_user_id }));
const threads = (count: number) =>
  Array.from({ length: count }, (_, number) => ({ id: `t${number}`, seq: 1, end_user_id: "ann" }) as Thread);

/** A server that knows who is where, and what it was asked for. */
function serverWith(members: Record<string, readonly string[]>, teams: Record<string, readonly string[]> = {}) {
  const asked: string[] = [];
  const looked = new Set<string>();
  const call = async (operation: string, { path }: { path?: { thread_id?: string; team_id?: string } }) => {
    const id = path?.thread_id ?? path?.team_id;
    asked.push(id ?? operation);
    if (id === "gone") throw new Error("404");
    if (id === undefined) return { data: Object.keys(teams).map((team) => ({ id: team })) };
    return { data: named(...(members[id] ?? teams[id] ?? [])) };
  };
  const thread = (id: string) => ({
    view: { get: () => ({ status: looked.has(id) ? "ready" : "loading", members: named(...(members[id] ?? [])) }) },
  });
  return { client: { call, thread } as unknown as Client, asked, looked };
}

test("no more is asked for than is suggested", async () => {
  const { client, asked } = serverWith({ t0: ["b", "c", "d"], t1: ["e", "f", "g", "h"] }, { team: ["x"] });
  expect(await knownTo(client, threads(200), "ann", [])).toEqual(["b", "c", "d", "e", "f", "g", "h"]);
  expect(asked).toEqual(["t0", "t1", "t2", "t3"]);
});

test("who takes part already is not counted, and teams are asked where conversations do not know enough", async () => {
  const { client, asked } = serverWith({ t0: ["b", "c", "d", "e", "f", "g"] }, { team: ["x", "ann"] });
  expect(await knownTo(client, threads(200), "ann", named("b"))).toEqual(["b", "c", "d", "e", "f", "g", "x"]);
  expect(asked).toHaveLength(10);
});

test("what is known is not asked for again, until something has happened there", async () => {
  const { client, asked, looked } = serverWith({ t0: ["b"], t1: ["c"] });
  looked.add("t1");
  expect(await knownTo(client, threads(2), "ann", [])).toEqual(["b", "c"]);
  expect(asked.splice(0)).toEqual(["t0", "GET /v1/teams"]);
  await knownTo(client, threads(2), "ann", []);
  expect(asked.splice(0)).toEqual(["GET /v1/teams"]);
  await knownTo(
    client,
    threads(2).map((one) => ({ ...one, seq: 2 })),
    "ann",
    [],
  );
  expect(asked).toEqual(["t0", "GET /v1/teams"]);
});

test("what cannot be asked keeps nobody else away", async () => {
  const { client } = serverWith({ t0: ["b"] });
  expect(await knownTo(client, [...threads(1), { ...threads(1)[0], id: "gone" } as Thread], "ann", [])).toEqual(["b"]);
});
