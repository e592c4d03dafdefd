// Who is signed in, and the way out.

import { useClient } from "@threadline/client/react";
import { LogOut } from "lucide-react";
import { signOut, useSession } from "../shell/first-state.ts";
import { strings } from "../strings.ts";
import { IconButton } from "../ui/button.tsx";

export function Footer() {
  const client = useClient();
  const session = useSession();
  return (
    <footer className="flex items-center justify-between border-t border-line px-3 py-2 text-sm text-soft">
      <span className="truncate">{session.end_user_id}</span>
      <IconButton label={strings.sidebar.signOut} onClick={() => void signOut(client)}>
        <LogOut aria-hidden className="size-4" />
      </IconButton>
    </footer>
  );
}
