// Those who can be called, above the field; the keys stay in the field.

import { AtSign, Bot } from "lucide-react";
import { strings } from "../strings.ts";
import type { Mentions } from "./use-mentions.ts";

export function MentionList({ mentions }: { readonly mentions: Mentions }) {
  const { listId, found, current, optionId, choose } = mentions;
  return (
    <>
      <p role="status" className="sr-only">
        {found.length > 0 && strings.composer.canBeCalled(found.length)}
      </p>
      {found.length > 0 && (
        <div
          id={listId}
          role="listbox"
          aria-label={strings.composer.mention}
          className="absolute inset-x-0 bottom-full z-20 mb-2 overflow-hidden rounded-2xl border border-line bg-ground p-1.5 shadow-xl"
        >
          {found.map(({ handle, name, isAgent }, place) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents lint/a11y/useFocusableInteractive: the keys are the field's, as in every combobox
            <div
              key={handle}
              id={optionId(place)}
              role="option"
              aria-selected={place === current}
              // The field keeps the focus.
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => choose(place)}
              className="flex cursor-default items-center gap-2 rounded-xl px-3 py-1.5 text-sm hover:bg-raised aria-selected:bg-raised"
            >
              {isAgent ? (
                <Bot aria-hidden className="size-4 shrink-0 text-accent" />
              ) : (
                <AtSign aria-hidden className="size-4 shrink-0 text-soft" />
              )}
              <bdi className="truncate font-medium">{name ?? handle}</bdi>
              <span className="truncate text-soft">@{handle}</span>
            </div>
          ))}
        </div>
      )}
    </>
  );
}
