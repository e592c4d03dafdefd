// No conversation yet: what is written here begins one.

import { useClient } from "@threadline/client/react";
import { type FormEvent, type KeyboardEvent, useState } from "react";
import { goTo, pathOf } from "../shell/address.ts";
import { strings } from "../strings.ts";
import { Button } from "../ui/button.tsx";

export function HomePage() {
  const client = useClient();
  const [text, setText] = useState("");
  const begin = async (event: FormEvent | KeyboardEvent) => {
    event.preventDefault();
    if (text.trim() === "") return;
    const thread = await client.createThread();
    await client.thread(thread.id).send(text);
    goTo(pathOf(thread.id));
  };
  return (
    <main className="mx-auto w-full max-w-184 p-8">
      <h1 className="mb-4 text-xl font-semibold">{strings.composer.welcome}</h1>
      <form onSubmit={(event) => void begin(event)} className="grid gap-2">
        <textarea
          aria-label={strings.composer.write}
          rows={4}
          dir="auto"
          value={text}
          onKeyDown={(event) => event.key === "Enter" && !event.shiftKey && void begin(event)}
          onChange={(event) => setText(event.target.value)}
          className="rounded-xl border border-line bg-raised p-3"
        />
        <Button kind="primary" type="submit">
          {strings.composer.send}
        </Button>
      </form>
    </main>
  );
}
