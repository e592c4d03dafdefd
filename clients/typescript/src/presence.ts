// Who else is there, and who is typing. Never stored; it is true for as long as the connection is. Pure.

export interface Person {
  readonly status: "online" | "away" | "offline";
  /** Until when it holds that they are typing, in milliseconds; 0 when they are not. */
  readonly typingUntil: number;
}

/** By end user. */
export type People = ReadonlyMap<string, Person>;

export type PresenceWord =
  | {
      readonly type: "presence.state";
      readonly people: readonly { readonly end_user_id: string; readonly status: Person["status"] }[];
    }
  | { readonly type: "presence"; readonly end_user_id: string; readonly status: Person["status"] }
  | { readonly type: "typing"; readonly end_user_id: string; readonly is_typing: boolean; readonly seconds: number };

export function withPresence(people: People, word: PresenceWord, now: number): People {
  switch (word.type) {
    case "presence.state":
      return new Map(
        word.people.map(({ end_user_id, status }) => [end_user_id, person(people, end_user_id, { status })]),
      );
    case "presence": {
      const next = new Map(people);
      if (word.status === "offline") next.delete(word.end_user_id);
      else next.set(word.end_user_id, person(people, word.end_user_id, { status: word.status }));
      return next;
    }
    case "typing": {
      const typingUntil = word.is_typing ? now + word.seconds * 1000 : 0;
      return new Map(people).set(word.end_user_id, person(people, word.end_user_id, { typingUntil }));
    }
  }
}

function person(people: People, id: string, change: Partial<Person>): Person {
  return { ...(people.get(id) ?? { status: "online", typingUntil: 0 }), ...change };
}

/** When the next of them stops typing by itself; null where nobody types. */
export function nextSilence(people: People, now: number): number | null {
  const ends = [...people.values()].map((one) => one.typingUntil).filter((until) => until > now);
  return ends.length === 0 ? null : Math.min(...ends);
}

/** Take note of the time: who has stopped typing has stopped. */
export function quieted(people: People, now: number): People {
  const isOver = (one: Person) => one.typingUntil > 0 && one.typingUntil <= now;
  return new Map([...people].map(([id, one]) => [id, isOver(one) ? { ...one, typingUntil: 0 } : one]));
}
