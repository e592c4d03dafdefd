// The menu of a button, open.

import { Menu as Base } from "@base-ui/react/menu";
import { clsx } from "clsx";
import { Check } from "lucide-react";
import { type RefObject, useRef } from "react";
import { follow } from "../shell/address.ts";
import type { MenuEntry, MenuGroup } from "./menu-button.tsx";

interface Props {
  readonly label: string;
  readonly anchor: RefObject<HTMLElement | null>;
  readonly groups: readonly MenuGroup[];
  readonly onClose: () => void;
}

export default function MenuPopup({ label, anchor, groups, onClose }: Props) {
  const isTaken = useRef(false);
  const shown = groups.filter((group) => group.entries.length > 0);
  return (
    <Base.Root defaultOpen onOpenChangeComplete={(isOpen) => !isOpen && onClose()}>
      <Base.Portal>
        <Base.Positioner anchor={anchor} sideOffset={4} align="start" collisionPadding={8} className="z-50">
          <Base.Popup
            aria-label={label}
            finalFocus={() => (isTaken.current ? false : anchor.current)}
            className="max-h-(--available-height) min-w-44 overflow-y-auto rounded-xl border border-line bg-ground p-1 shadow-lg outline-none"
          >
            {shown.map((group, place) => (
              <Base.Group key={group.key}>
                {place > 0 && <Base.Separator className="mx-2 my-1 h-px bg-line" />}
                {group.label !== undefined && (
                  <Base.GroupLabel className="px-3 pt-2 pb-1 text-xs font-semibold text-soft">
                    {group.label}
                  </Base.GroupLabel>
                )}
                {group.entries.map((entry) => (
                  <Entry
                    key={entry.label}
                    entry={entry}
                    onTaken={() => {
                      isTaken.current = entry.takesFocus === true;
                    }}
                  />
                ))}
              </Base.Group>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

const LOOK =
  "flex min-h-9 cursor-default items-center gap-2.5 rounded-lg px-3 text-sm outline-none select-none data-highlighted:bg-raised pointer-coarse:min-h-11 [&_svg]:size-4 [&_svg]:shrink-0";

function Entry({ entry, onTaken }: { readonly entry: MenuEntry; readonly onTaken: () => void }) {
  const { label, title, icon, kind, isChosen, href, onSelect } = entry;
  const select = () => {
    onTaken();
    onSelect?.();
  };
  const className = clsx(LOOK, kind === "danger" && "text-bad");
  if (href !== undefined) {
    return (
      <Base.Item className={className} render={<a href={href} onClick={follow} />} onClick={onTaken}>
        {icon}
        {label}
      </Base.Item>
    );
  }
  if (isChosen !== undefined) {
    return (
      <Base.CheckboxItem checked={isChosen} onClick={select} className={className} closeOnClick>
        {icon}
        <span className="flex-1">{label}</span>
        {isChosen && <Check aria-hidden />}
      </Base.CheckboxItem>
    );
  }
  return (
    <Base.Item title={title} onClick={select} className={className}>
      {icon}
      {label}
    </Base.Item>
  );
}
