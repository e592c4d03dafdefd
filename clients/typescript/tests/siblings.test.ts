// All answers to one question, however many branches there are and however long they have become.

import { afterEach, expect, test } from "vitest";
import { Client } from "../src/client.ts";
import { MemoryStore } from "../src/store/memory.ts";
import type { Message } from "../src/types.ts";
import { messageOf, threadOf } from "./records.ts";

const ANSWERS = 120;
const LONG = 130;
const PAGE = 50;

/** One question, its answers, and behind the first of these a long conversation. */
const question = messageOf("q", "?", { seq: 1 });
const answers = Array.from({ length: ANSWERS }, (_, place) =>
  messageOf(`a${place}`, "!", {
    parent_id: "q",
    seq: 2 + place,
    siblings: { count: ANSWERS, position: place + 1 } as Message["siblings"],
  }),
);
const more = Array.from({ length: LONG }, (_, place) =>
  messageOf(`m${place}`, "…", { parent_id: place === 0 ? "a0" : `m${place - 1}`, seq: 2 + ANSWERS + place }),
);
const all = new Map([question, ...answers, ...more].map((message) => [message.id, message]));
const heads = [`m${LONG - 1}`, ...answers.slice(1).map(({ id }) => id)].reverse();

let asked: string[] = [];
let client: Client;

const answer: typeof fetch = async (input) => {
  const { pathname, searchParams } = new URL(String(input));
  asked.push(`${pathname.split("/").at(-1)}${searchParams.get("leaf") ?? ""}`);
  if (pathname.endsWith("/branches")) {
    const from = Number(searchParams.get("cursor") ?? 0);
    const data = heads.slice(from, from + PAGE).map((tip_message_id) => ({ tip_message_id }));
    const next_cursor = from + PAGE < heads.length ? String(from + PAGE) : null;
    return Response.json({ data, has_more: next_cursor !== null, next_cursor });
  }
  const data: Message[] = [];
  for (let id = searchParams.get("leaf"); id !== null && data.length < PAGE; id = data.at(-1)?.parent_id ?? null) {
    const message = all.get(id);
    if (message !== undefined) data.push(message);
  }
  return Response.json({ data: data.reverse(), has_more: false, next_cursor: null });
};

function begun(shown: Message) {
  asked = [];
  client = new Client({ baseUrl: "http://fake", token: "t", fetch: answer, store: new MemoryStore() });
  const live = client.thread("thr_1");
  live.begin({
    thread: threadOf("thr_1", { tip_message_id: shown.id }),
    messages: [question, shown],
    runs: [],
    members: [],
    seq: 500,
  });
  return live;
}

afterEach(() => client.close());

test("answers on more branches than a page has, one of them far above the end of its branch", async () => {
  const last = answers.at(-1) as Message;
  const found = await begun(last).loadSiblings(last.id);
  expect(found.map(({ id }) => id)).toEqual(answers.map(({ id }) => id));
  expect(asked.filter((what) => what === "branches")).toHaveLength(3);
});

test("nothing is asked for once as many are known as there are", async () => {
  const last = answers.at(-1) as Message;
  const live = begun(last);
  await live.loadSiblings(last.id);
  asked = [];
  expect(await live.loadSiblings(last.id)).toHaveLength(ANSWERS);
  expect(asked).toEqual([]);
});
