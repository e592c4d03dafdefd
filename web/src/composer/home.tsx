// No conversation yet: what is written here begins one.

import { useClient } from "@threadline/client/react";
import { goTo, pathOf } from "../shell/address.ts";
import { strings } from "../strings.ts";
import { Box } from "./box.tsx";
import type { OnSend } from "./use-writing.ts";

export function HomePage() {
  const client = useClient();
  const begin: OnSend = async (content) => {
    const thread = await client.createThread();
    await client.thread(thread.id).send(content);
    goTo(pathOf(thread.id));
  };
  return (
    <main className="m-0 grid h-dvh max-w-none min-w-0 items-center overflow-y-auto p-0">
      <div className="mx-auto w-full max-w-184 px-4 py-10">
        <h1 className="mb-6 text-center text-2xl font-semibold tracking-tight">{strings.composer.welcome}</h1>
        <Box place="home" onSend={begin} />
      </div>
    </main>
  );
}
