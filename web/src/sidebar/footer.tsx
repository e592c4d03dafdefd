// Who is signed in, what looks how, and the way out.

import { useClient } from "@threadline/client/react";
import { Bot, Gauge, Keyboard, LogOut, Monitor, Moon, Settings, Sun } from "lucide-react";
import { Suspense, useEffect, useState } from "react";
import { tried } from "../room/deeds.ts";
import { type Session, signOut, useSession } from "../shell/first-state.ts";
import { chooseTheme, type Theme, theme } from "../shell/theme.ts";
import { strings } from "../strings.ts";
import { later } from "../ui/later.tsx";
import { loadMenus, MenuButton, type MenuGroup } from "../ui/menu-button.tsx";
import { showShortcuts } from "../ui/shortcuts.tsx";
import { useWatched } from "../ui/watch.ts";

const loadConfirm = () => import("../ui/confirm.tsx");
const Confirm = later(loadConfirm);
const AgentsDialog = later(() => import("../room/agents.tsx"));
const QUIET_MS = 2_000;

const THEMES = [
  ["system", <Monitor key="system" aria-hidden />],
  ["light", <Sun key="light" aria-hidden />],
  ["dark", <Moon key="dark" aria-hidden />],
] as const;

export function Footer() {
  const client = useClient();
  const session = useSession();
  const chosen = useWatched(theme);
  const unsent = useWatched(client.outbox.pending).filter((one) => one.status !== "accepted").length;
  const [isAsking, setIsAsking] = useState(false);
  const [hasAgents, setHasAgents] = useState(false);
  useEffect(() => {
    // When the page has settled: what is small and needed without a network, too.
    const timer = setTimeout(() => {
      loadMenus();
      loadConfirm().catch(() => undefined);
    }, QUIET_MS);
    return () => clearTimeout(timer);
  }, []);
  const leave = () => void tried(() => signOut(client));
  const end = {
    label: strings.sidebar.signOut,
    icon: <LogOut aria-hidden className="rtl:-scale-x-100" />,
    takesFocus: true,
    onSelect: () => (unsent > 0 ? setIsAsking(true) : leave()),
  };
  return (
    <footer className="flex items-center gap-2 border-t border-line py-2 ps-4 pe-2 text-sm text-soft">
      <span dir="auto" className="min-w-0 flex-1 truncate">
        {session.end_user_id}
      </span>
      <MenuButton
        label={strings.sidebar.settings}
        icon={<Settings aria-hidden className="size-4" />}
        groups={() => [themes(chosen), more(() => setHasAgents(true)), places(session), { key: "end", entries: [end] }]}
        className="pointer-coarse:size-11"
      />
      {hasAgents && (
        <Suspense>
          <AgentsDialog onClose={() => setHasAgents(false)} />
        </Suspense>
      )}
      {isAsking && (
        <Suspense>
          <Confirm
            title={strings.sidebar.signOutTitle}
            text={strings.sidebar.signOutText(unsent)}
            deed={strings.sidebar.signOut}
            onConfirm={leave}
            onClose={() => setIsAsking(false)}
          />
        </Suspense>
      )}
    </footer>
  );
}

function themes(chosen: Theme): MenuGroup {
  return {
    key: "theme",
    label: strings.sidebar.theme,
    entries: THEMES.map(([name, icon]) => ({
      label: strings.sidebar.themes[name],
      icon,
      isChosen: chosen === name,
      onSelect: () => chooseTheme(name),
    })),
  };
}

function more(onAgents: () => void): MenuGroup {
  const agents = { label: strings.agents.title, icon: <Bot aria-hidden />, takesFocus: true, onSelect: onAgents };
  const keys = {
    label: strings.ui.shortcuts,
    icon: <Keyboard aria-hidden />,
    takesFocus: true,
    onSelect: showShortcuts,
  };
  return { key: "more", entries: [agents, keys] };
}

function places({ may_be }: Session): MenuGroup {
  const isOperator = may_be === "operator" || may_be === "admin";
  const entry = { label: strings.operator.title, icon: <Gauge aria-hidden />, takesFocus: true, href: "/operator" };
  return { key: "places", entries: isOperator ? [entry] : [] };
}
