// Who takes part in a conversation, and who says so. What somebody may not do is not offered.

import type { Member } from "@threadline/client";
import { useClient, usePresence } from "@threadline/client/react";
import { type FormEvent, useEffect, useState } from "react";
import { useSession } from "../shell/first-state.ts";
import { strings } from "../strings.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { useAgents } from "../ui/models.ts";
import { AddPerson } from "./add-person.tsx";
import { Choice, FIELD } from "./choice.tsx";
import { tried } from "./deeds.ts";
import { Face } from "./face.tsx";
import { nameOf, ROLES, rightsOf } from "./role.ts";

const POLICIES = ["all", "mention", "none"] as const;

interface Props {
  readonly threadId: string;
  readonly members: readonly Member[];
  readonly onClose: () => void;
}

export default function MembersDialog({ threadId, members, onClose }: Props) {
  const session = useSession();
  const { people } = usePresence(threadId);
  const { isOwner } = rightsOf(members, session.end_user_id);
  const [added, setAdded] = useState<readonly Member[]>([]);
  // Who was invited here is shown at once, and not when the log has told of it.
  const coming = added.filter(({ id }) => !members.some((member) => member.id === id));
  // Whom the log has told of already, it also tells to have gone.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the log may be faster than the answer
  useEffect(
    () => setAdded((before) => before.filter(({ id }) => !members.some((one) => one.id === id))),
    [members, added.length],
  );
  return (
    <Dialog title={strings.room.members} isOpen onClose={onClose}>
      {members.length + coming.length === 0 && <p className="text-sm text-soft">{strings.room.onlyYou}</p>}
      <ul className="divide-y divide-line">
        {[...members, ...coming].map((member) => (
          <Line
            key={member.id}
            threadId={threadId}
            member={member}
            isOwner={isOwner}
            isOneself={member.end_user_id !== null && member.end_user_id === session.end_user_id}
            status={people.get(member.end_user_id ?? "")?.status ?? null}
          />
        ))}
      </ul>
      {isOwner && (
        <AddPerson
          threadId={threadId}
          members={members}
          onAdded={(member) => setAdded((before) => [...before, member])}
        />
      )}
      {isOwner && <AddAgent threadId={threadId} members={members} />}
    </Dialog>
  );
}

interface LineProps {
  readonly threadId: string;
  readonly member: Member;
  readonly isOwner: boolean;
  readonly isOneself: boolean;
  readonly status: "online" | "away" | "offline" | null;
}

function Line({ threadId, member, isOwner, isOneself, status }: LineProps) {
  const client = useClient();
  const path = { thread_id: threadId, member_id: member.id };
  const change = (body: { role?: (typeof ROLES)[number]; reply_policy?: (typeof POLICIES)[number] }) =>
    void tried(() => client.call("PATCH /v1/threads/{thread_id}/members/{member_id}", { path, body }));
  const remove = () => void tried(() => client.call("DELETE /v1/threads/{thread_id}/members/{member_id}", { path }));
  const name = nameOf(member);
  const isAgent = member.agent_id !== null;
  return (
    <li className="flex flex-wrap items-center gap-2 py-2 text-sm">
      <Face name={name} status={status} />
      <span dir="auto" className="min-w-16 flex-1 truncate" title={name}>
        {name}
        {isOneself && <span className="text-soft"> {strings.room.yourself}</span>}
      </span>
      {isAgent && (
        <Choice
          label={strings.room.answersOf(name)}
          value={member.reply_policy ?? "all"}
          choices={POLICIES}
          words={strings.room.policies}
          isFixed={!isOwner}
          onChoose={(reply_policy) => change({ reply_policy })}
        />
      )}
      {!isAgent && (
        <Choice
          label={strings.room.roleOf(name)}
          value={member.role}
          choices={ROLES}
          words={strings.room.roles}
          isFixed={!isOwner}
          onChoose={(role) => change({ role })}
        />
      )}
      {(isOwner || isOneself) && (
        <Button
          kind="danger"
          onClick={remove}
          aria-label={isOneself ? strings.room.leave : strings.room.removeOne(name)}
        >
          {isOneself ? strings.room.leave : strings.room.remove}
        </Button>
      )}
    </li>
  );
}

function AddAgent({ threadId, members }: { readonly threadId: string; readonly members: readonly Member[] }) {
  const client = useClient();
  const there = new Set(members.map((member) => member.agent_id));
  const agents = useAgents().filter((agent) => !agent.archived && !there.has(agent.id));
  const [agent, setAgent] = useState("");
  if (agents.length === 0) return null;
  const add = async (event: FormEvent) => {
    event.preventDefault();
    if (agent === "") return;
    const asked = { path: { thread_id: threadId }, body: { agent } };
    if (await tried(() => client.call("POST /v1/threads/{thread_id}/members", asked))) setAgent("");
  };
  return (
    <form onSubmit={(event) => void add(event)} className="mt-4 flex gap-2">
      <select
        aria-label={strings.room.agent}
        value={agent}
        onChange={(event) => setAgent(event.target.value)}
        className={`${FIELD} flex-1`}
      >
        <option value="">{strings.room.chooseAgent}</option>
        {agents.map((one) => (
          <option key={one.id} value={one.id}>
            {strings.room.agentLine(one.name, one.handle)}
          </option>
        ))}
      </select>
      <Button type="submit">{strings.room.addAgent}</Button>
    </form>
  );
}
