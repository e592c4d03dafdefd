// What becomes of the answer in progress when something else is sent.

import type { SendMessage } from "@threadline/client";
import { ChevronUp } from "lucide-react";
import { strings } from "../strings.ts";
import { IconButton } from "../ui/button.tsx";
import { Menu, MenuItem } from "../ui/menu.tsx";

type OnBusy = NonNullable<SendMessage["on_busy"]>;

export default function BusyMenu({ onSend }: { readonly onSend: (onBusy: OnBusy) => void }) {
  return (
    <Menu
      trigger={
        <IconButton label={strings.composer.howToSend} className="rounded-full!">
          <ChevronUp aria-hidden className="size-4" />
        </IconButton>
      }
    >
      {strings.composer.onBusy.map(([onBusy, title, note]) => (
        <MenuItem key={onBusy} onSelect={() => onSend(onBusy)}>
          <span className="grid max-w-64">
            <span className="font-medium">{title}</span>
            <span className="text-xs text-soft">{note}</span>
          </span>
        </MenuItem>
      ))}
    </Menu>
  );
}
