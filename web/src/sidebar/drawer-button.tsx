// Opens the list of conversations, where there is no room for it beside the page.

import { Menu } from "lucide-react";
import { strings } from "../strings.ts";
import { IconButton } from "../ui/button.tsx";
import { isDrawerOpen } from "./drawer-state.ts";

export function DrawerButton({ className = "" }: { readonly className?: string }) {
  return (
    <IconButton
      label={strings.sidebar.conversations}
      aria-haspopup="dialog"
      onClick={() => isDrawerOpen.set(true)}
      className={`size-11 md:hidden ${className}`}
    >
      <Menu aria-hidden className="size-5" />
    </IconButton>
  );
}
