// The frame: the sidebar, and the page of the address.

import { Suspense } from "react";
import { ThreadPage } from "../chat/page.tsx";
import { HomePage } from "../composer/home.tsx";
import { DrawerButton } from "../sidebar/drawer-button.tsx";
import { later } from "../ui/later.tsx";
import { Shortcuts } from "../ui/shortcuts.tsx";
import { Toasts } from "../ui/toast.tsx";
import { placeOf, usePath } from "./address.ts";
import { SidePanel } from "./frame.tsx";

// Charts and tables are for few: nobody else loads them.
const OperatorPages = later(() => import("../operator/page.tsx"));

export function App() {
  const place = placeOf(usePath());
  if (place.page === "operator") {
    // A frame of its own: its pages are wide, and have nothing to do with conversations.
    return (
      <Suspense>
        <OperatorPages />
      </Suspense>
    );
  }
  return (
    <div className="grid h-dvh grid-cols-1 grid-rows-[minmax(0,1fr)] md:grid-cols-[18rem_minmax(0,1fr)]">
      <SidePanel current={place.page === "thread" ? place.threadId : null} />
      <Toasts />
      {place.page === "home" && <DrawerButton className="fixed start-1 top-1 z-10" />}
      {place.page === "home" && <HomePage />}
      {place.page === "thread" && <ThreadPage key={place.threadId} id={place.threadId} />}
      <Shortcuts />
    </div>
  );
}
