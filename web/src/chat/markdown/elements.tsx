// What Markdown becomes: plain elements, which pages.css dresses as it does the server's.

import { ExternalLink } from "lucide-react";
import { type ComponentProps, type ComponentType, isValidElement, lazy, type ReactNode, Suspense } from "react";
import type { Components } from "streamdown";
import { strings } from "../../strings.ts";
import { CodeBlock } from "./code.tsx";
import { outside } from "./links.ts";

interface FormulaProps {
  readonly tex: string;
  readonly isBlock: boolean;
}

const Formula = lazy<ComponentType<FormulaProps>>(() => import("./formula.tsx").catch(() => ({ default: AsTex })));

type Of<Name extends "a" | "code" | "img" | "input" | "pre"> = ComponentProps<Name>;

function Link({ href, title, children }: Of<"a">) {
  const address = outside(href, location.origin);
  if (address === null) return <span>{children}</span>;
  return (
    <a href={address} title={title} target="_blank" rel="noopener noreferrer nofollow ugc">
      {children}
      <ExternalLink aria-label={strings.chat.leadsOut} className="outside" />
    </a>
  );
}

/** Whoever serves a picture would learn who reads what, and when: it is a link. */
function Picture({ src, alt }: Of<"img">) {
  return <Link href={src}>{alt || strings.chat.picture}</Link>;
}

function Code({ className = "", children }: Of<"code">) {
  if (className.includes("math-")) return <FormulaOf tex={textOf(children)} isBlock={false} />;
  return <code>{children}</code>;
}

function Pre({ children }: Of<"pre">) {
  const inner = isValidElement<Of<"code">>(children) ? children.props : { className: "", children };
  const text = textOf(inner.children).replace(/\n$/, "");
  if (inner.className?.includes("math-display")) return <FormulaOf tex={text} isBlock />;
  return <CodeBlock text={text} language={/language-(\S+)/.exec(inner.className ?? "")?.[1] ?? ""} />;
}

function AsTex({ tex }: FormulaProps) {
  return <code>{tex}</code>;
}

function FormulaOf({ tex, isBlock }: FormulaProps) {
  return (
    <Suspense fallback={<code>{tex}</code>}>
      <Formula tex={tex} isBlock={isBlock} />
    </Suspense>
  );
}

function Tick({ checked }: Of<"input">) {
  return (
    <span role="img" aria-label={checked ? strings.chat.done : strings.chat.open}>
      {checked ? "☑ " : "☐ "}
    </span>
  );
}

function textOf(node: ReactNode): string {
  if (typeof node === "string" || typeof node === "number") return String(node);
  if (Array.isArray(node)) return node.map(textOf).join("");
  return isValidElement<{ readonly children?: ReactNode }>(node) ? textOf(node.props.children) : "";
}

const AS_THEY_ARE =
  "blockquote del em h1 h2 h3 h4 h5 h6 hr li ol p section strong sub sup table tbody td th thead tr ul".split(" ");

export const ELEMENTS = {
  ...Object.fromEntries(AS_THEY_ARE.map((name) => [name, name])),
  a: Link,
  code: Code,
  img: Picture,
  input: Tick,
  pre: Pre,
} as Components;
