// Light or dark: as the system is, unless somebody has chosen. Kept on this device.

import { Signal } from "@threadline/client";

export type Theme = "system" | "light" | "dark";

const KEY = "threadline:theme";
/** The server writes what it says into the page: no moment in the other one. */
const COOKIE = "threadline_theme";
const YEAR_SECONDS = 365 * 24 * 60 * 60;
const system = matchMedia("(prefers-color-scheme: dark)");

function isTheme(value: string | null): value is Theme {
  return value === "light" || value === "dark" || value === "system";
}

function kept(): Theme {
  const value = localStorage.getItem(KEY);
  return isTheme(value) ? value : "system";
}

export const theme = new Signal<Theme>(kept());

export function chooseTheme(chosen: Theme): void {
  localStorage.setItem(KEY, chosen);
  // biome-ignore lint/suspicious/noDocumentCookie: other browsers have no better way yet
  document.cookie = `${COOKIE}=${chosen}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`;
  theme.set(chosen);
}

/** Put the theme on the page, and follow both the system and the person. */
export function followTheme(): void {
  const apply = () => {
    const chosen = theme.get();
    const isDark = chosen === "dark" || (chosen === "system" && system.matches);
    document.documentElement.dataset.theme = isDark ? "dark" : "light";
  };
  apply();
  system.addEventListener("change", apply);
  theme.subscribe(apply);
}
