// One question to several models: their answers come one after the other, and stand side by side.

import type { Message, Run } from "@threadline/client";
import { useState } from "react";
import { tried } from "../room/deeds.ts";
import { strings } from "../strings.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { offeredOf } from "../ui/model-name.ts";
import { useModels } from "../ui/models.ts";
import { compare, forgetAsked, hasGoneOn, knownBefore } from "./compared.ts";
import { useDeeds } from "./deeds.tsx";

interface Props {
  readonly message: Message;
  readonly siblings: readonly Message[];
  readonly waiting: readonly Run[];
  readonly onClose: () => void;
}

export default function Several({ message, siblings, waiting, onClose }: Props) {
  const { regenerate, cancelQueued } = useDeeds();
  const models = useModels();
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const ask = async () => {
    onClose();
    const { parent_id, id } = message;
    if (parent_id === null) return;
    compare(parent_id, true, { models: chosen, before: knownBefore(siblings, waiting) });
    // In this order: each waits for its turn in the thread.
    for (const model of chosen) {
      const isAsked = await tried(async () => {
        const { run } = await regenerate(id, { model });
        // It would answer in place of the one that was gone on with.
        if (run !== null && hasGoneOn(parent_id)) await cancelQueued(run.id);
      });
      if (hasGoneOn(parent_id)) return;
      if (!isAsked) forgetAsked(parent_id, [model]);
    }
  };
  const toggle = (id: string) =>
    setChosen((before) => (before.includes(id) ? before.filter((one) => one !== id) : [...before, id]));
  return (
    <Dialog title={strings.chat.several} isOpen onClose={onClose}>
      <ul className="grid gap-1">
        {offeredOf(models?.data ?? []).map(({ id, label, description }) => (
          <li key={id}>
            <label className="flex items-start gap-2 rounded-lg p-2 hover:bg-raised">
              <input type="checkbox" checked={chosen.includes(id)} onChange={() => toggle(id)} className="mt-1.5" />
              <span title={id} className="font-medium">
                {label}
                {description !== null && <span className="block text-sm font-normal text-soft">{description}</span>}
              </span>
            </label>
          </li>
        ))}
      </ul>
      <Button kind="primary" className="mt-3 w-full" disabled={chosen.length === 0} onClick={() => void ask()}>
        {strings.chat.askThem(chosen.length)}
      </Button>
    </Dialog>
  );
}
