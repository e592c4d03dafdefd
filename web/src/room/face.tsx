// Somebody in a circle: the first letters, and whether they are there.

import { clsx } from "clsx";
import { strings } from "../strings.ts";
import { initialsOf } from "./role.ts";

interface Props {
  readonly name: string;
  /** Null where nobody can say: agents, and who is not there. */
  readonly status: "online" | "away" | "offline" | null;
}

export function Face({ name, status }: Props) {
  const isThere = status === "online" || status === "away";
  const words = isThere ? strings.room.presence(name, strings.room.statuses[status]) : name;
  return (
    <span className="relative inline-flex shrink-0" role="img" aria-label={words} title={words}>
      <span
        aria-hidden
        className="flex size-7 items-center justify-center rounded-full bg-line text-xs font-semibold text-text"
      >
        {initialsOf(name)}
      </span>
      {isThere && (
        <span
          aria-hidden
          className={clsx(
            "absolute -end-0.5 -bottom-0.5 size-2.5 rounded-full border-2 border-ground",
            status === "online" ? "bg-good" : "bg-soft",
          )}
        />
      )}
    </span>
  );
}
