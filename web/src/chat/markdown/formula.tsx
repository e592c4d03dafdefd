// A formula, set by KaTeX.

import "katex/dist/katex.min.css";
import katex from "katex";
import { memo, useLayoutEffect, useRef } from "react";

interface Props {
  readonly tex: string;
  readonly isBlock: boolean;
}

/** Nothing that a formula says is trusted: no links, no pictures, no macros that do not end. */
const GUARD = { throwOnError: false, trust: false, maxExpand: 200, maxSize: 20, strict: "ignore" } as const;

export default memo(function Formula({ tex, isBlock }: Props) {
  const place = useRef<HTMLSpanElement>(null);
  useLayoutEffect(() => {
    // Node by node, as the page's policy allows no styles in HTML.
    if (place.current !== null) katex.render(tex, place.current, { ...GUARD, displayMode: isBlock });
  }, [tex, isBlock]);
  return <span ref={place} dir="ltr" className={isBlock ? "formula block" : "formula"} />;
});
