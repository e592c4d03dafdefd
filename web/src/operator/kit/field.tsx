// What somebody fills in, under its name.

import { clsx } from "clsx";
import { type ComponentProps, type ReactNode, useId } from "react";

const LOOK = "w-full min-w-0 rounded-lg border border-line bg-ground px-3 py-1.5 text-sm text-text";

interface Named {
  readonly label: string;
  /** What is meant, where the name does not say it. */
  readonly hint?: ReactNode;
  /** Short, and beside others, as above a list. */
  readonly isSmall?: boolean;
}

function Labelled({ label, hint, id, children }: Named & { readonly id: string; readonly children: ReactNode }) {
  return (
    <div className="grid min-w-0 content-start gap-1">
      <label htmlFor={id} className="text-xs font-medium text-soft">
        {label}
      </label>
      {children}
      {hint !== undefined && (
        <p id={`${id}-hint`} className="text-xs text-soft">
          {hint}
        </p>
      )}
    </div>
  );
}

export function Field({ label, hint, className, ...props }: Named & ComponentProps<"input">) {
  const id = useId();
  const described = hint === undefined ? undefined : `${id}-hint`;
  return (
    <Labelled label={label} hint={hint} id={id}>
      <input id={id} aria-describedby={described} dir="auto" className={clsx(LOOK, "h-9", className)} {...props} />
    </Labelled>
  );
}

export function Area({ label, hint, className, ...props }: Named & ComponentProps<"textarea">) {
  const id = useId();
  const described = hint === undefined ? undefined : `${id}-hint`;
  return (
    <Labelled label={label} hint={hint} id={id}>
      <textarea id={id} aria-describedby={described} dir="auto" className={clsx(LOOK, className)} {...props} />
    </Labelled>
  );
}

interface ChoiceProps<Value extends string> extends Named {
  readonly value: Value;
  readonly choices: readonly { readonly value: Value; readonly name: string }[];
  readonly onChoose: (value: Value) => void;
}

export function Choice<Value extends string>({ label, hint, value, choices, onChoose }: ChoiceProps<Value>) {
  const id = useId();
  return (
    <Labelled label={label} hint={hint} id={id}>
      <select
        id={id}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        value={value}
        onChange={(event) => {
          const chosen = choices.find((choice) => choice.value === event.target.value);
          if (chosen !== undefined) onChoose(chosen.value);
        }}
        className={clsx(LOOK, "h-9")}
      >
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {choice.name}
          </option>
        ))}
      </select>
    </Labelled>
  );
}

export function Check({ label, ...props }: { readonly label: string } & ComponentProps<"input">) {
  return (
    <label className="flex items-center gap-2 text-sm">
      <input type="checkbox" className="size-4 accent-accent" {...props} />
      {label}
    </label>
  );
}
