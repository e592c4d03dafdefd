// Invites a person: by the id with which they sign in. Nobody keeps a list of people; those whom one knows are suggested.

import { type Member, Refusal } from "@threadline/client";
import { useClient } from "@threadline/client/react";
import { type FormEvent, useId, useRef, useState } from "react";
import { useSession } from "../shell/first-state.ts";
import { strings } from "../strings.ts";
import { Button } from "../ui/button.tsx";
import { Choice, FIELD } from "./choice.tsx";
import { wordsFor } from "./deeds.ts";
import { useKnownPeople } from "./known-people.ts";
import { obstacleTo, suggestedOf } from "./people.ts";
import { ROLES } from "./role.ts";

interface Props {
  readonly threadId: string;
  readonly members: readonly Member[];
  readonly onAdded: (member: Member) => void;
}

export function AddPerson({ threadId, members, onAdded }: Props) {
  const client = useClient();
  const { end_user_id: me } = useSession();
  const known = useKnownPeople(members);
  const field = useRef<HTMLInputElement>(null);
  const hint = useId();
  const [typed, setTyped] = useState("");
  const [role, setRole] = useState<(typeof ROLES)[number]>("member");
  const [problem, setProblem] = useState<string | null>(null);
  const write = (text: string) => {
    setTyped(text);
    setProblem(null);
  };
  const add = async (event: FormEvent) => {
    event.preventDefault();
    const id = typed.trim();
    const obstacle = obstacleTo(id, members, me);
    if (obstacle !== null) return setProblem(strings.room.obstacles[obstacle](id));
    try {
      const asked = { path: { thread_id: threadId }, body: { end_user_id: id, role } };
      onAdded(await client.call("POST /v1/threads/{thread_id}/members", asked));
      write("");
    } catch (error) {
      const isTooLong = error instanceof Refusal && error.problem.status === 422;
      setProblem(isTooLong ? strings.room.noUserId : wordsFor(error));
    }
  };
  return (
    <form onSubmit={(event) => void add(event)} className="mt-4 grid gap-2 border-t border-line pt-4">
      <div className="flex flex-wrap gap-2">
        <input
          ref={field}
          aria-label={strings.room.person}
          aria-describedby={hint}
          aria-invalid={problem !== null}
          placeholder={strings.room.person}
          dir="auto"
          autoCapitalize="none"
          autoComplete="off"
          spellCheck={false}
          value={typed}
          onChange={(event) => write(event.target.value)}
          className={`${FIELD} flex-1 basis-full sm:basis-0`}
        />
        <span className="flex-1 sm:hidden" />
        <Choice
          label={strings.room.role}
          value={role}
          choices={ROLES}
          words={strings.room.roles}
          isFixed={false}
          onChoose={setRole}
        />
        <Button type="submit">{strings.room.addPerson}</Button>
      </div>
      {problem !== null && (
        <p role="alert" className="text-sm text-bad">
          {problem}
        </p>
      )}
      <Suggested
        people={suggestedOf(known, members, typed)}
        onChoose={(id) => {
          write(id);
          field.current?.focus();
        }}
      />
      <p id={hint} className="text-xs text-soft">
        {strings.room.personHint}
      </p>
    </form>
  );
}

interface SuggestedProps {
  readonly people: readonly string[];
  readonly onChoose: (id: string) => void;
}

function Suggested({ people, onChoose }: SuggestedProps) {
  if (people.length === 0) return null;
  return (
    <ul aria-label={strings.room.knownPeople} className="flex flex-wrap gap-1.5">
      {people.map((id) => (
        <li key={id} className="min-w-0">
          <Button onClick={() => onChoose(id)} className="max-w-full rounded-full! text-soft hover:text-text">
            <bdi className="truncate">{id}</bdi>
          </Button>
        </li>
      ))}
    </ul>
  );
}
