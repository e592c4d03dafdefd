// The models and agents to choose from, with a field that looks for one.

import { Combobox } from "@base-ui/react/combobox";
import { Check } from "lucide-react";
import type { ReactNode } from "react";
import { strings } from "../strings.ts";
import { useAgents, useModels } from "../ui/models.ts";
import { choiceOfWord, type Group, groupsOf, type Option, wordOf } from "./choice.ts";
import { PICKER_LOOK, type PickerProps } from "./picker.tsx";

interface Props extends PickerProps {
  readonly name: string;
  /** Back to the button alone. */
  readonly onClose: () => void;
  readonly children: ReactNode;
}

export default function PickerList({ choice, onChoose, name, children }: Props) {
  const groups = groupsOf(useModels(), useAgents(), choice, strings.composer);
  const all = groups.flatMap((group) => group.items);
  const value = all.find((one) => one.value === wordOf(choice)) ?? null;
  return (
    <Combobox.Root<Option>
      defaultOpen
      // Enter takes the first one found.
      autoHighlight
      items={groups}
      value={value}
      onValueChange={(chosen) => chosen !== null && onChoose(choiceOfWord(chosen.value))}
      itemToStringLabel={(one) => `${one.label} ${one.note ?? ""} ${one.id ?? ""}`}
      isItemEqualToValue={(one, other) => one.value === other.value}
    >
      <Combobox.Trigger aria-label={strings.composer.answersNow(name)} className={PICKER_LOOK}>
        {children}
      </Combobox.Trigger>
      <Combobox.Portal>
        <Combobox.Positioner side="top" align="start" sideOffset={8} className="z-30">
          <Combobox.Popup
            aria-label={strings.composer.answerer}
            className="flex max-h-[min(26rem,var(--available-height))] w-80 max-w-[calc(100vw-2rem)] flex-col overflow-hidden rounded-2xl border border-line bg-ground shadow-xl"
          >
            <Combobox.Input
              aria-label={strings.composer.findAnswerer}
              placeholder={strings.composer.findAnswerer}
              className="border-b border-line bg-transparent px-4 py-2.5 text-sm outline-none"
            />
            <Combobox.Empty className="px-4 py-3 text-sm text-soft empty:hidden">
              {strings.composer.nobodySuch}
            </Combobox.Empty>
            <Combobox.List className="min-h-0 overflow-y-auto p-1.5">
              {(group: Group) => (
                <Combobox.Group key={group.value} items={group.items} className="mb-1">
                  {group.items[0]?.label !== group.value && (
                    <Combobox.GroupLabel className="px-3 pt-2 pb-1 text-xs font-semibold text-soft">
                      {group.value}
                    </Combobox.GroupLabel>
                  )}
                  <Combobox.Collection>{(one: Option) => <Line key={one.value} option={one} />}</Combobox.Collection>
                </Combobox.Group>
              )}
            </Combobox.List>
          </Combobox.Popup>
        </Combobox.Positioner>
      </Combobox.Portal>
    </Combobox.Root>
  );
}

function Line({ option }: { readonly option: Option }) {
  return (
    <Combobox.Item
      value={option}
      title={option.id ?? undefined}
      className="flex cursor-default items-start gap-2 rounded-lg px-3 py-1.5 text-sm outline-none data-highlighted:bg-raised"
    >
      <span className="grid min-w-0 flex-1">
        <bdi className="truncate font-medium">{option.label}</bdi>
        {option.note !== null && (
          <span dir="auto" className="line-clamp-2 text-xs text-soft">
            {option.note}
          </span>
        )}
      </span>
      <Combobox.ItemIndicator className="mt-0.5 text-accent">
        <Check aria-hidden className="size-4" />
      </Combobox.ItemIndicator>
    </Combobox.Item>
  );
}
