// The place to look for a conversation.

import { Search, X } from "lucide-react";
import { type RefObject, useEffect } from "react";
import { strings } from "../strings.ts";
import { IconButton } from "../ui/button.tsx";

interface Props {
  readonly field: RefObject<HTMLInputElement | null>;
  readonly text: string;
  readonly onText: (text: string) => void;
}

export function SearchField({ field, text, onText }: Props) {
  return (
    <search className="relative flex items-center">
      <Search aria-hidden className="pointer-events-none absolute start-2.5 size-4 text-soft" />
      <input
        ref={field}
        type="search"
        aria-label={strings.sidebar.search}
        placeholder={strings.sidebar.search}
        aria-keyshortcuts="Control+K Meta+K"
        dir="auto"
        value={text}
        onChange={(event) => onText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape" || text === "") return;
          event.stopPropagation();
          onText("");
        }}
        className="h-9 w-full min-w-0 rounded-lg border border-line bg-ground ps-8.5 pe-9 text-sm [&::-webkit-search-cancel-button]:hidden pointer-coarse:h-11 pointer-coarse:text-base"
      />
      {text !== "" && (
        <IconButton
          label={strings.sidebar.clearSearch}
          className="absolute end-0"
          onClick={() => {
            onText("");
            field.current?.focus();
          }}
        >
          <X aria-hidden className="size-4" />
        </IconButton>
      )}
    </search>
  );
}

/** Ctrl+K, or ⌘K, brings one here from everywhere. */
export function useSearchKey(onKey: () => void): void {
  useEffect(() => {
    const hear = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || event.shiftKey || event.altKey || event.ctrlKey === event.metaKey) return;
      event.preventDefault();
      onKey();
    };
    document.addEventListener("keydown", hear);
    return () => document.removeEventListener("keydown", hear);
  }, [onKey]);
}
