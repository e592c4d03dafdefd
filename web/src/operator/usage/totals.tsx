// The sums of everything that is shown.

import { strings } from "../../strings.operator.ts";
import { countOf } from "../kit/format.ts";
import { Cost } from "./cost.tsx";
import type { Sum } from "./sums.ts";

const words = strings.usage;

export function Totals({ sum }: { readonly sum: Sum }) {
  const figures = [
    { name: words.cost, value: <Cost sum={sum} /> },
    { name: words.input, value: countOf(sum.input) },
    { name: words.output, value: countOf(sum.output) },
    { name: words.attempts, value: countOf(sum.attempts) },
  ];
  return (
    <dl className="grid grid-cols-2 gap-px overflow-hidden rounded-2xl border border-line bg-line lg:grid-cols-4">
      {figures.map(({ name, value }) => (
        <div key={name} className="bg-ground px-4 py-3">
          <dt className="text-sm text-soft">{name}</dt>
          <dd className="text-xl font-semibold tracking-tight tabular-nums md:text-2xl">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
