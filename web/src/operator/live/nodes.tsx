// The nodes that live.

import type { Live } from "@threadline/client";
import { strings } from "../../strings.operator.ts";
import { countOf, durationOf, rateOf } from "../kit/format.ts";
import { type Column, Table } from "../kit/table.tsx";

const words = strings.live;
type Node = Live["nodes"][number];

const COLUMNS: readonly Column<Node>[] = [
  {
    name: words.node,
    sortBy: (node) => node.node_id,
    cell: (node) => <code className="font-mono text-xs">{node.node_id}</code>,
  },
  number(words.running, (node) => node.running, countOf),
  number(words.readers, (node) => node.readers, countOf),
  number(
    words.throughput,
    (node) => node.throughput,
    (value) => words.perSecond(rateOf(value ?? 0)),
  ),
  number(words.firstToken, (node) => node.first_token_seconds.p50, durationOf),
  number(words.commits, (node) => node.commit_seconds?.p50 ?? null, durationOf),
];

function number(
  name: string,
  of: (node: Node) => number | null,
  written: (value: number | null) => string,
): Column<Node> {
  return { name, isNumber: true, sortBy: of, cell: (node) => written(of(node)) };
}

export function Nodes({ nodes }: { readonly nodes: readonly Node[] }) {
  return (
    <section aria-labelledby="nodes" className="grid gap-3">
      <h2 id="nodes" className="font-semibold">
        {words.nodes}
      </h2>
      <Table label={words.nodes} columns={COLUMNS} rows={nodes} keyOf={(node) => node.node_id} />
    </section>
  );
}
