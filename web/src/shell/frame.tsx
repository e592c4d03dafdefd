// The list of conversations beside the page, or over it where there is no room.

import { Suspense } from "react";
import { Sidebar } from "../sidebar/sidebar.tsx";
import { later } from "../ui/later.tsx";
import { useIsWide } from "../ui/wide.ts";

const Drawer = later(() => import("../sidebar/drawer.tsx"));

export function SidePanel({ current }: { readonly current: string | null }) {
  const isWide = useIsWide();
  if (!isWide) {
    return (
      <Suspense>
        <Drawer current={current} />
      </Suspense>
    );
  }
  return (
    <div className="flex min-h-0 border-e border-line">
      <Sidebar current={current} />
    </div>
  );
}
