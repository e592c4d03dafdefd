// The same as the chart in figures, to be sorted.

import type { UsageLine } from "@threadline/client";
import { useMemo } from "react";
import { strings } from "../../strings.operator.ts";
import { countOf, dayOf } from "../kit/format.ts";
import { type Column, Table } from "../kit/table.tsx";
import { Cost } from "./cost.tsx";
import type { By } from "./filters.tsx";
import { nameOf } from "./rows.ts";
import { type Group, groupsOf, totalOf } from "./sums.ts";

const words = strings.usage;

interface Props {
  readonly by: By;
  readonly lines: readonly UsageLine[];
  readonly tenants: ReadonlyMap<string, string>;
}

export function UsageTable({ by, lines, tenants }: Props) {
  const rows = useMemo(() => groupsOf(lines), [lines]);
  const columns = useMemo(() => columnsOf(by, tenants), [by, tenants]);
  const sum = totalOf(lines);
  const foot = [
    words.total,
    countOf(sum.attempts),
    countOf(sum.input),
    countOf(sum.cached),
    countOf(sum.output),
    countOf(sum.reasoning),
  ];
  return (
    <Table
      label={words.ways[by]}
      columns={columns}
      rows={rows}
      keyOf={(row) => row.key ?? ""}
      order={by === "day" ? { column: 0, isDown: true } : { column: 6, isDown: true }}
      foot={[...foot, <Cost key="cost" sum={sum} />]}
    />
  );
}

function columnsOf(by: By, tenants: ReadonlyMap<string, string>): Column<Group>[] {
  const count = (name: string, of: (row: Group) => number | null): Column<Group> => ({
    name,
    isNumber: true,
    sortBy: of,
    cell: (row) => <span className={of(row) === null ? "text-soft" : undefined}>{countOf(of(row))}</span>,
  });
  return [
    {
      name: words.ways[by],
      sortBy: (row) => (by === "day" ? row.key : nameOf(by, row.key, tenants)),
      cell: (row) => (
        <span dir="auto" className={row.key === null ? "text-soft" : "font-medium"} title={row.models.join(", ")}>
          {by === "day" && row.key !== null ? dayOf(row.key) : nameOf(by, row.key, tenants)}
        </span>
      ),
    },
    count(words.attempts, (row) => row.attempts),
    count(words.input, (row) => row.input),
    count(words.cached, (row) => row.cached),
    count(words.output, (row) => row.output),
    count(words.reasoning, (row) => row.reasoning),
    {
      name: words.cost,
      isNumber: true,
      sortBy: (row) => (row.costUsd === null ? null : Number(row.costUsd)),
      cell: (row) => <Cost sum={row} />,
    },
  ];
}
