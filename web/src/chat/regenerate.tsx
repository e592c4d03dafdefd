// Answers again: with the same model, with another one, or with several to look at side by side.

import type { Message } from "@threadline/client";
import { RotateCcw } from "lucide-react";
import { strings } from "../strings.ts";
import { IconButton } from "../ui/button.tsx";
import { Menu, MenuItem } from "../ui/menu.tsx";
import { useModels } from "../ui/models.ts";
import { useDeeds } from "./deeds.tsx";

export default function RegenerateMenu({ message }: { readonly message: Message }) {
  const { regenerate } = useDeeds();
  return (
    <Menu
      trigger={
        <IconButton label={strings.chat.regenerate}>
          <RotateCcw aria-hidden className="size-4" />
        </IconButton>
      }
    >
      <MenuItem onSelect={() => void regenerate(message.id)}>{strings.chat.sameModel}</MenuItem>
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
