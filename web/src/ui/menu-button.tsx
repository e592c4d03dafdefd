// A button with a menu behind it. What draws the menu is loaded when somebody is about to open it.

import { type ReactNode, Suspense, useRef, useState } from "react";
import { IconButton } from "./button.tsx";
import { later } from "./later.tsx";

export interface MenuEntry {
  readonly label: string;
  /** What there is to know beside it, where one points. */
  readonly title?: string;
  readonly icon?: ReactNode;
  readonly kind?: "danger";
  /** Where one of several is chosen: whether it is this one. */
  readonly isChosen?: boolean;
  /** It opens something that takes the focus: the button does not get it back. */
  readonly takesFocus?: boolean;
  /** An entry goes somewhere, or does something. */
  readonly href?: string;
  readonly onSelect?: () => void;
}

/** Entries, in groups that are set apart. */
export interface MenuGroup {
  readonly key: string;
  readonly label?: string;
  readonly entries: readonly MenuEntry[];
}

const load = () => import("./menu-popup.tsx");

/** Load what draws menus before somebody asks for one, and perhaps has no network then. */
export function loadMenus(): void {
  load().catch(() => undefined);
}

const Popup = later(load);

interface Props {
  readonly label: string;
  readonly icon: ReactNode;
  readonly groups: () => readonly MenuGroup[];
  readonly className?: string;
  readonly tabIndex?: number;
}

export function MenuButton({ label, icon, groups, className = "", tabIndex = 0 }: Props) {
  const button = useRef<HTMLButtonElement>(null);
  const [isOpen, setIsOpen] = useState(false);
  const open = async () => {
    // Loaded or not: what is not says so in its place.
    await load().catch(() => undefined);
    setIsOpen(true);
  };
  return (
    <>
      <IconButton
        ref={button}
        label={label}
        tabIndex={tabIndex}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        onPointerEnter={() => loadMenus()}
        onFocus={() => loadMenus()}
        onClick={() => void open()}
        className={className}
      >
        {icon}
      </IconButton>
      {isOpen && (
        <Suspense>
          <Popup label={label} anchor={button} groups={groups()} onClose={() => setIsOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
