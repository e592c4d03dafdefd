// Formulas: what reads and sets them is fetched when a text has one.

import { useEffect, useState } from "react";
import { defaultRemarkPlugins } from "streamdown";

type Plugins = readonly unknown[];

let loaded: { readonly plugins: never } | null = null;

export function hasMath(text: string): boolean {
  return text.includes("$$") || text.includes("\\(") || text.includes("\\[");
}

/** The plugins of Markdown with formulas; null while they are not there, or not needed. */
export function useMath(isNeeded: boolean) {
  const [math, setMath] = useState(loaded);
  useEffect(() => {
    if (!isNeeded || math !== null) return;
    let isHere = true;
    import("remark-math").then(({ default: remarkMath }) => {
      const plugins: Plugins = [...Object.values(defaultRemarkPlugins), [remarkMath, { singleDollarTextMath: false }]];
      loaded ??= { plugins: plugins as never };
      if (isHere) setMath(loaded);
    });
    return () => {
      isHere = false;
    };
  }, [isNeeded, math]);
  return isNeeded ? math : null;
}

const CODE = /(```[\s\S]*?(?:```|$)|~~~[\s\S]*?(?:~~~|$)|`[^`\n]*`)/;

/** The formulas of a text between dollars, however its writer has fenced them; code stays as it is. Pure. */
export function withDollars(text: string): string {
  return text
    .split(CODE)
    .map((part, place) => (place % 2 === 1 ? part : fencedAnew(part)))
    .join("");
}

// A formula on lines of its own is a block for the parser only where its dollars are too.
function fencedAnew(text: string): string {
  return text
    .replace(/^([ \t]*)\\\[([\s\S]+?)\\\][ \t]*$/gm, block)
    .replace(/^([ \t]*)\$\$([^$\n]+)\$\$[ \t]*$/gm, block)
    .replace(/\\\[([\s\S]+?)\\\]/g, (_, tex: string) => `$$${tex}$$`)
    .replace(/\\\(([\s\S]+?)\\\)/g, (_, tex: string) => `$$${tex}$$`);
}

function block(_: string, indent: string, tex: string): string {
  return `${indent}$$\n${indent}${tex.trim()}\n${indent}$$`;
}
