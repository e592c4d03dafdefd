// Says who is to answer; what there is to choose from is loaded when somebody wants to.

import { ChevronDown } from "lucide-react";
import { Suspense, useState } from "react";
import { strings } from "../strings.ts";
import { later } from "../ui/later.tsx";
import { useAgents, useModels } from "../ui/models.ts";
import { type Choice, nameOf } from "./choice.ts";

const PickerList = later(() => import("./picker-list.tsx"));

export interface PickerProps {
  readonly choice: Choice;
  readonly onChoose: (choice: Choice) => void;
}

export const PICKER_LOOK =
  "inline-flex h-9 min-w-0 max-w-52 items-center gap-1 rounded-full px-3 text-sm text-soft hover:bg-line/60 hover:text-text";

export function Picker({ choice, onChoose }: PickerProps) {
  const [isWanted, setIsWanted] = useState(false);
  const models = useModels();
  const name = nameOf(choice, models, useAgents()) ?? strings.composer.standard;
  const title = choice.kind === "agent" ? undefined : choice.kind === "model" ? choice.id : models?.default;
  const words = (
    <>
      <bdi title={title} className="truncate">
        {name}
      </bdi>
      <ChevronDown aria-hidden className="size-3.5 shrink-0" />
    </>
  );
  const button = (
    <button
      type="button"
      aria-haspopup="listbox"
      aria-label={strings.composer.answersNow(name)}
      onClick={() => setIsWanted(true)}
      className={PICKER_LOOK}
    >
      {words}
    </button>
  );
  if (!isWanted) return button;
  return (
    <Suspense fallback={button}>
      <PickerList choice={choice} onChoose={onChoose} onClose={() => setIsWanted(false)} name={name}>
        {words}
      </PickerList>
    </Suspense>
  );
}
