// What the installation has for everybody: said in its configuration, and changed there.

import type { Definition } from "@threadline/client";
import { strings } from "../../strings.operator.ts";
import { Badge } from "../kit/badge.tsx";
import { type Column, Table } from "../kit/table.tsx";

const words = strings.tools;

const COLUMNS: readonly Column<Definition>[] = [
  {
    name: strings.columns.name,
    sortBy: (tool) => tool.name,
    cell: (tool) => <span className="font-medium">{tool.name}</span>,
  },
  { name: words.kind, sortBy: (tool) => tool.kind, cell: (tool) => <Badge>{words.kinds[tool.kind]}</Badge> },
  {
    name: words.description,
    cell: (tool) => (
      <span dir="auto" title={tool.description}>
        {tool.description}
      </span>
    ),
  },
];

export function Installed({ tools }: { readonly tools: readonly Definition[] }) {
  if (tools.length === 0) return null;
  return (
    <section aria-labelledby="installed" className="grid gap-3">
      <h2 id="installed" className="font-semibold">
        {words.installed}
      </h2>
      <p className="-mt-2 text-sm text-soft">{words.installedMore}</p>
      <Table label={words.installed} columns={COLUMNS} rows={tools} keyOf={(tool) => tool.name} />
    </section>
  );
}
