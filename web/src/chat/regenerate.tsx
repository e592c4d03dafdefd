// Answers again: with the same model, with another one, or with several to look at side by side.

import type { Message, Run } from "@threadline/client";
import { RotateCcw } from "lucide-react";
import { Suspense, useState } from "react";
import { strings } from "../strings.ts";
import { later } from "../ui/later.tsx";
import { MenuButton } from "../ui/menu-button.tsx";
import { offeredOf } from "../ui/model-name.ts";
import { useModels } from "../ui/models.ts";
import { useDeeds } from "./deeds.tsx";

const Several = later(() => import("./several.tsx"));

interface Props {
  readonly message: Message;
  readonly siblings: readonly Message[];
  readonly waiting: readonly Run[];
}

export function RegenerateMenu({ message, siblings, waiting }: Props) {
  const { regenerate } = useDeeds();
  const models = useModels();
  const [isSeveral, setSeveral] = useState(false);
  if (isSeveral) {
    return (
      <Suspense>
        <Several message={message} siblings={siblings} waiting={waiting} onClose={() => setSeveral(false)} />
      </Suspense>
    );
  }
  const others = offeredOf(models?.data ?? []).filter(({ id }) => id !== message.model);
  return (
    <MenuButton
      label={strings.chat.regenerate}
      icon={<RotateCcw aria-hidden className="size-4" />}
      groups={() => [
        {
          key: "this",
          entries: [
            { label: strings.chat.sameModel, onSelect: () => void regenerate(message.id) },
            { label: strings.chat.severalMore, takesFocus: true, onSelect: () => setSeveral(true) },
          ],
        },
        {
          key: "others",
          entries: others.map(({ id, label }) => {
            return { label, title: id, onSelect: () => void regenerate(message.id, { model: id }) };
          }),
        },
      ]}
    />
  );
}
