// From one of the operator's pages to another: a column on a wide screen, a row on a phone.

import {
  Activity,
  ArrowLeft,
  Bot,
  ChartColumnStacked,
  KeyRound,
  type LucideIcon,
  MessagesSquare,
  Wrench,
} from "lucide-react";
import { follow } from "../shell/address.ts";
import { strings } from "../strings.operator.ts";
import type { Operator } from "./api.ts";
import { operatorPath, SECTIONS, type Section } from "./place.ts";

const ICONS: Readonly<Record<Section, LucideIcon>> = {
  live: Activity,
  usage: ChartColumnStacked,
  threads: MessagesSquare,
  tools: Wrench,
  agents: Bot,
  keys: KeyRound,
};

export function OperatorNav({ operator, current }: { readonly operator: Operator; readonly current: Section }) {
  return (
    <nav
      aria-label={strings.title}
      className="flex min-w-0 flex-col border-line bg-raised max-md:border-b md:min-h-0 md:border-e md:p-3 print:hidden"
    >
      <a
        href="/"
        onClick={follow}
        className="flex min-h-9 items-center gap-2 px-4 pt-2 text-sm text-soft hover:text-text md:rounded-lg md:px-3 md:pt-0"
      >
        <ArrowLeft aria-hidden className="size-4 rtl:rotate-180" />
        {strings.back}
      </a>
      <ul className="flex gap-1 overflow-x-auto p-2 md:mt-3 md:grid md:p-0">
        {SECTIONS.map((section) => (
          <Item key={section} section={section} isCurrent={section === current} />
        ))}
      </ul>
      <p className="mt-auto hidden px-3 py-2 text-xs text-soft md:block">
        {operator.role === "operator" ? strings.wholeInstallation : strings.onlyTenant(operator.tenant)}
      </p>
    </nav>
  );
}

function Item({ section, isCurrent }: { readonly section: Section; readonly isCurrent: boolean }) {
  const Icon = ICONS[section];
  return (
    <li>
      <a
        href={operatorPath(section)}
        onClick={follow}
        // On a phone the row is longer than the screen.
        ref={isCurrent ? (link) => link?.scrollIntoView({ block: "nearest", inline: "center" }) : null}
        aria-current={isCurrent ? "page" : undefined}
        className="flex min-h-9 items-center gap-2.5 whitespace-nowrap rounded-lg px-3 text-sm text-soft hover:bg-line/50 hover:text-text aria-[current]:bg-line aria-[current]:font-medium aria-[current]:text-text"
      >
        <Icon aria-hidden className="size-4" />
        {strings.sections[section]}
      </a>
    </li>
  );
}
