// Which days of the usage, and by what.

import { clsx } from "clsx";
import { strings } from "../../strings.operator.ts";
import { Button } from "../../ui/button.tsx";
import { Choice, Field } from "../kit/field.tsx";
import { dayAfter } from "./sums.ts";

const words = strings.usage;
export type By = "day" | "end_user" | "model" | "tenant";

export interface Wanted {
  readonly by: By;
  /** The first day, in UTC. */
  readonly since: string;
  /** The first day that does not count. */
  readonly until: string;
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}

/** The last days, today being one of them. */
export function wantedOfDays(days: number, by: By): Wanted {
  const until = dayAfter(today(), 1);
  return { by, since: dayAfter(until, -days), until };
}

interface Props {
  readonly wanted: Wanted;
  readonly onChange: (wanted: Wanted) => void;
  readonly isOperator: boolean;
}

export function Filters({ wanted, onChange, isOperator }: Props) {
  const ways: readonly By[] = isOperator ? ["model", "end_user", "tenant", "day"] : ["model", "end_user", "day"];
  const last = dayAfter(wanted.until, -1);
  return (
    <search className="grid grid-cols-2 items-end gap-3 sm:flex sm:flex-wrap print:hidden">
      <fieldset className="col-span-2 flex gap-1" aria-label={words.period}>
        {[7, 30, 90].map((days) => {
          const preset = wantedOfDays(days, wanted.by);
          const isChosen = preset.since === wanted.since && preset.until === wanted.until;
          return (
            <Button
              key={days}
              aria-pressed={isChosen}
              className={clsx("flex-1 whitespace-nowrap", isChosen && "border-accent text-accent")}
              onClick={() => onChange(preset)}
            >
              {words.days(days)}
            </Button>
          );
        })}
      </fieldset>
      <Field
        type="date"
        label={words.from}
        value={wanted.since}
        max={last}
        onChange={({ target }) => target.value !== "" && onChange({ ...wanted, since: target.value })}
      />
      <Field
        type="date"
        label={words.to}
        value={last}
        min={wanted.since}
        onChange={({ target }) => target.value !== "" && onChange({ ...wanted, until: dayAfter(target.value, 1) })}
      />
      <Choice
        label={words.by}
        value={wanted.by}
        choices={ways.map((value) => ({ value, name: words.ways[value] }))}
        onChoose={(by) => onChange({ ...wanted, by })}
      />
    </search>
  );
}
