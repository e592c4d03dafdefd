// Which days of the usage, and by what.

import { clsx } from "clsx";
import { strings } from "../../strings.operator.ts";
import { Button } from "../../ui/button.tsx";
import { Choice, Field } from "../kit/field.tsx";
import { TenantChoice } from "../kit/tenant.tsx";
import { dayAfter } from "./sums.ts";

const words = strings.usage;
export type By = "day" | "end_user" | "model" | "tenant";

export interface Wanted {
  readonly by: By;
  /** The first day, in UTC. */
  readonly since: string;
  /** The first day that does not count. */
  readonly until: string;
  /** An id; empty for all. */
  readonly tenant: string;
  readonly person: string;
  readonly model: string;
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}

/** The last days, today being one of them. */
export function wantedOfDays(days: number, others: Omit<Wanted, "since" | "until">): Wanted {
  const until = dayAfter(today(), 1);
  return { ...others, since: dayAfter(until, -days), until };
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
          const preset = wantedOfDays(days, wanted);
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
      <Field
        label={words.person}
        type="search"
        placeholder={words.exactly}
        value={wanted.person}
        onChange={({ target }) => onChange({ ...wanted, person: target.value })}
      />
      <Field
        label={words.model}
        type="search"
        placeholder={words.exactly}
        value={wanted.model}
        onChange={({ target }) => onChange({ ...wanted, model: target.value })}
      />
      <TenantChoice
        nobody={words.allTenants}
        value={wanted.tenant}
        onChoose={(tenant) => onChange({ ...wanted, tenant })}
      />
    </search>
  );
}
