// Whom one knows: asked for when somebody is about to be invited, and no more of it than is suggested.

import type { Client, Member, Thread } from "@threadline/client";
import { useClient, useThreads } from "@threadline/client/react";
import { useEffect, useState } from "react";
import { useSession } from "../shell/first-state.ts";
import { peopleOf, SUGGESTED_MAX } from "./people.ts";

/** The newest conversations and teams that are looked at: whom one knows best takes part in these. */
const THREADS_MAX = 8;
const TEAMS_MAX = 3;
/** Conversations that are asked for at a time: the first of them mostly know enough. */
const STEP = 4;

type Named = Pick<Member, "end_user_id">;
type Asks = Pick<Client, "call" | "thread">;

const NOBODY: readonly string[] = [];

/** Who takes part in one's newest conversations and teams; nobody as long as it is not known. */
export function useKnownPeople(members: readonly Named[]): readonly string[] {
  const client = useClient();
  const { end_user_id } = useSession();
  const [people, setPeople] = useState(NOBODY);
  // Whoever takes part by now is not suggested; those who come while the dialog is open are left out where it is shown.
  const [there] = useState(members);
  const { isFresh } = useThreads();
  useEffect(() => {
    // The list may still be on its way when the dialog opens.
    if (!isFresh) return;
    let isGone = false;
    const { threads } = client.threads.view.get();
    void knownTo(client, threads, end_user_id, there).then((found) => isGone || setPeople(found));
    return () => {
      isGone = true;
    };
  }, [client, end_user_id, there, isFresh]);
  return people;
}

/** As many as are suggested, or all; `there` are those who are not to be counted. */
export async function knownTo(
  client: Asks,
  threads: readonly Thread[],
  me: string | null,
  there: readonly Named[],
): Promise<readonly string[]> {
  const found: Named[] = [];
  const people = () => peopleOf(me, threads, found);
  const isEnough = () => people().filter((id) => !there.some((one) => one.end_user_id === id)).length >= SUGGESTED_MAX;
  for (let from = 0; from < Math.min(threads.length, THREADS_MAX) && !isEnough(); from += STEP) {
    found.push(...(await all(threads.slice(from, from + STEP).map((thread) => membersOf(client, thread)))));
  }
  if (!isEnough()) found.push(...(await all([teamMates(client)])));
  return people();
}

// Who cannot be suggested, because a conversation is gone or there is no network, can be typed.
async function all(asked: readonly Promise<readonly Named[]>[]): Promise<readonly Named[]> {
  const answered = await Promise.allSettled(asked);
  return answered.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
}

/** What was answered, and how far the log of the conversation went: members come and go in it alone. */
const answers = new WeakMap<Asks, Map<string, { readonly seq: number; readonly members: readonly Named[] }>>();

async function membersOf(client: Asks, { id, seq }: Thread): Promise<readonly Named[]> {
  const view = client.thread(id).view.get();
  // What was looked at is known already.
  if (view.status === "ready") return view.members;
  const before = answers.get(client) ?? new Map();
  answers.set(client, before);
  const known = before.get(id);
  if (known?.seq === seq) return known.members;
  const members = (await client.call("GET /v1/threads/{thread_id}/members", { path: { thread_id: id } })).data;
  before.set(id, { seq, members });
  return members;
}

async function teamMates(client: Asks): Promise<readonly Named[]> {
  const { data } = await client.call("GET /v1/teams", { query: { limit: TEAMS_MAX } });
  const path = "GET /v1/teams/{team_id}/members";
  return all(data.map(async ({ id }) => (await client.call(path, { path: { team_id: id } })).data));
}
