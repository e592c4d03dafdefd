// One of a few, chosen from a list; only its name where one may not choose.

export const FIELD = "h-9 min-w-0 rounded-lg border border-line bg-ground px-2 text-sm pointer-coarse:h-11";

interface Props<Value extends string> {
  readonly label: string;
  readonly value: Value;
  readonly choices: readonly Value[];
  readonly words: Readonly<Record<Value, string>>;
  readonly isFixed: boolean;
  readonly onChoose: (value: Value) => void;
}

export function Choice<Value extends string>({ label, value, choices, words, isFixed, onChoose }: Props<Value>) {
  if (isFixed) return <span className="text-soft">{words[value]}</span>;
  return (
    <select
      aria-label={label}
      value={value}
      onChange={(event) => onChoose(event.target.value as Value)}
      className={FIELD}
    >
      {choices.map((choice) => (
        <option key={choice} value={choice}>
          {words[choice]}
        </option>
      ))}
    </select>
  );
}
