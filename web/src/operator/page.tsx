// The pages of those who run the installation, or a tenant of it.

import { ShieldOff } from "lucide-react";
import { useEffect, useMemo } from "react";
import { follow, usePath } from "../shell/address.ts";
import { useSession } from "../shell/first-state.ts";
import { strings } from "../strings.operator.ts";
import { AgentsPage } from "./agents/page.tsx";
import { OperatorProvider, operatorOf } from "./api.ts";
import { KeysPage } from "./keys/page.tsx";
import { Empty } from "./kit/states.tsx";
import { LivePage } from "./live/page.tsx";
import { OperatorNav } from "./nav.tsx";
import { type OperatorPlace, operatorPlaceOf } from "./place.ts";
import { AuditPage } from "./threads/audit.tsx";
import { ThreadsPage } from "./threads/page.tsx";
import { ToolsPage } from "./tools/page.tsx";
import { UsagePage } from "./usage/page.tsx";
import "./operator.css";

export default function OperatorPages() {
  const session = useSession();
  const operator = useMemo(() => operatorOf(session), [session]);
  const place = operatorPlaceOf(usePath());
  const name = strings.sections[place.section];
  useEffect(() => {
    const before = document.title;
    document.title = `${name} · ${strings.title}`;
    return () => {
      document.title = before;
    };
  }, [name]);
  if (operator === null) return <NotYours />;
  return (
    <OperatorProvider value={operator}>
      <div className="operator grid h-dvh grid-cols-1 grid-rows-[auto_minmax(0,1fr)] md:grid-cols-[14rem_minmax(0,1fr)] md:grid-rows-1">
        <OperatorNav operator={operator} current={place.section} />
        <main className="m-0 w-full max-w-none min-w-0 overflow-y-auto p-0" key={`${place.section}/${place.id}`}>
          <Section place={place} />
        </main>
      </div>
    </OperatorProvider>
  );
}

function Section({ place: { section, id } }: { readonly place: OperatorPlace }) {
  switch (section) {
    case "live":
      return <LivePage />;
    case "usage":
      return <UsagePage />;
    case "threads":
      return id === null ? <ThreadsPage /> : <AuditPage threadId={id} />;
    case "tools":
      return <ToolsPage />;
    case "agents":
      return <AgentsPage id={id} />;
    case "keys":
      return <KeysPage />;
  }
}

function NotYours() {
  return (
    <main className="mx-auto grid h-dvh w-full max-w-xl content-center px-4">
      <Empty icon={ShieldOff} title={strings.notYours}>
        <p>{strings.notYoursMore}</p>
        <a href="/" onClick={follow} className="mt-3 inline-block text-accent underline">
          {strings.back}
        </a>
      </Empty>
    </main>
  );
}
