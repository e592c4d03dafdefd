// Answers again: with the same model, with another one, or with several to look at side by side.

import type { Message } from "@threadline/client";
import { RotateCcw } from "lucide-react";
import { useState } from "react";
import { strings } from "../strings.ts";
import { IconButton } from "../ui/button.tsx";
import { Menu, MenuItem } from "../ui/menu.tsx";
import { useModels } from "../ui/models.ts";
import { useDeeds } from "./deeds.tsx";
import { Several } from "./several.tsx";

export default function RegenerateMenu({ message }: { readonly message: Message }) {
  const { regenerate } = useDeeds();
  const [isSeveral, setSeveral] = useState(false);
  if (isSeveral) return <Several message={message} onClose={() => setSeveral(false)} />;
  return (
    <Menu
      trigger={
        <IconButton label={strings.chat.regenerate}>
          <RotateCcw aria-hidden className="size-4" />
        </IconButton>
      }
    >
      <MenuItem onSelect={() => void regenerate(message.id)}>{strings.chat.sameModel}</MenuItem>
      <MenuItem onSelect={() => setSeveral(true)}>{strings.chat.severalMore}</MenuItem>
      <Others message={message} />
    </Menu>
  );
}

function Others({ message }: { readonly message: Message }) {
  const { regenerate } = useDeeds();
  const models = useModels();
  return models?.data
    .filter(({ id }) => id !== message.model)
    .map(({ id }) => (
      <MenuItem key={id} onSelect={() => void regenerate(message.id, { model: id })}>
        {id}
      </MenuItem>
    ));
}
