// Whether the server has a newer build than this page: what the page loads later may be gone with its own.

import { type Readable, Signal } from "@threadline/client";

const found = new Signal(false);

/** Once it is so, it stays so: nothing but a reload ends it. */
export const isNewerThere: Readable<boolean> = found;

const SCRIPT = /<script type="module" src="([^"]+)"/;

/** The script that this page came with: another build's has another name. */
export function ownScript(): string | null {
  return document.querySelector("script[type=module][src]")?.getAttribute("src") ?? null;
}

/** Look whether there is one now; no where the server cannot be asked. */
export async function lookForNewer(): Promise<boolean> {
  if (found.get()) return true;
  try {
    const answer = await fetch("/shell", { cache: "no-store" });
    const newest = answer.ok ? SCRIPT.exec(await answer.text())?.[1] : undefined;
    const own = ownScript();
    found.set(newest !== undefined && own !== null && newest !== own);
  } catch {
    // There is no network: there is nothing newer to be had.
  }
  return found.get();
}
