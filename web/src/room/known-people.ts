// Whom one knows: asked for when somebody is about to be invited.

import type { Client, Member } from "@threadline/client";
import { useClient } from "@threadline/client/react";
import { useEffect, useState } from "react";
import { useSession } from "../shell/first-state.ts";
import { peopleOf } from "./people.ts";

/** The newest conversations and teams that are looked at: whom one knows best takes part in these. */
const THREADS_MAX = 20;
const TEAMS_MAX = 10;

type Named = Pick<Member, "end_user_id">;

const NOBODY: readonly string[] = [];

/** Who takes part in one's newest conversations and teams; nobody as long as it is not known. */
export function useKnownPeople(): readonly string[] {
  const client = useClient();
  const { end_user_id } = useSession();
  const [people, setPeople] = useState(NOBODY);
  useEffect(() => {
    let isGone = false;
    void knownTo(client, end_user_id).then((found) => isGone || setPeople(found));
    return () => {
      isGone = true;
    };
  }, [client, end_user_id]);
  return people;
}

async function knownTo(client: Client, me: string | null): Promise<readonly string[]> {
  const { threads } = client.threads.view.get();
  const teams = client.call("GET /v1/teams", { query: { limit: TEAMS_MAX } });
  const asked = [
    ...threads.slice(0, THREADS_MAX).map(({ id }) => membersOf(client, id)),
    teams
      .then(({ data }) => Promise.all(data.map(({ id }) => teamMembersOf(client, id))))
      .then((pages) => pages.flat()),
  ];
  // Who cannot be suggested, because a conversation is gone or there is no network, can be typed.
  const answered = await Promise.allSettled(asked);
  const members = answered.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
  return peopleOf(me, threads, members);
}

async function membersOf(client: Client, thread_id: string): Promise<readonly Named[]> {
  return (await client.call("GET /v1/threads/{thread_id}/members", { path: { thread_id } })).data;
}

async function teamMembersOf(client: Client, team_id: string): Promise<readonly Named[]> {
  return (await client.call("GET /v1/teams/{team_id}/members", { path: { team_id } })).data;
}
