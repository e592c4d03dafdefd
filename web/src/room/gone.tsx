// A conversation that is not there, or not any more: deleted, left, or somebody else's.

import { follow } from "../shell/address.ts";
import { DrawerButton } from "../sidebar/drawer-button.tsx";
import { strings } from "../strings.ts";

export function Gone() {
  return (
    <main className="m-0 flex h-dvh max-w-none min-w-0 flex-col p-0">
      <DrawerButton className="m-1" />
      <div className="m-auto max-w-sm p-8 text-center">
        <p role="alert" className="text-lg font-semibold text-balance">
          {strings.chat.gone}
        </p>
        <p className="mt-2 text-sm text-soft">{strings.room.goneWhy}</p>
        <a href="/" onClick={follow} className="mt-6 inline-block text-sm text-accent underline underline-offset-2">
          {strings.sidebar.newThread}
        </a>
      </div>
    </main>
  );
}
