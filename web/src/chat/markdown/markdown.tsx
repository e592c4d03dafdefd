// What a model says, as it is being said. It is untrusted: what comes out is made of the elements named here and of
// nothing else, HTML in it is text, pictures are links, and links lead out or nowhere.

import { clsx } from "clsx";
import { Component, memo, type ReactNode } from "react";
import rehypeSanitize from "rehype-sanitize";
import { defaultRemarkPlugins, Streamdown } from "streamdown";
import { strings } from "../../strings.ts";
import { isTooDeep } from "./depth.ts";
import { ELEMENTS } from "./elements.tsx";
import { rawHtmlIsText } from "./raw-html.ts";
import { hasMath, useMath, withDollars } from "./tex.ts";

const TAGS =
  "a blockquote br code del em h1 h2 h3 h4 h5 h6 hr img input li ol p pre strong table tbody td th thead tr ul";

const REHYPE = [
  rawHtmlIsText,
  [
    rehypeSanitize,
    {
      tagNames: TAGS.split(" "),
      attributes: {
        a: ["href", "title"],
        code: [["className", /^language-[\w+#.-]*$|^math-(inline|display)$/]],
        img: ["src", "alt"],
        input: [["type", "checkbox"], "checked", "disabled"],
        ol: ["start"],
        td: ["align"],
        th: ["align"],
      },
      protocols: { href: ["http", "https", "mailto"], src: ["http", "https"] },
    },
  ],
] as const;

const REMARK = Object.values(defaultRemarkPlugins);

interface Props {
  readonly text: string;
  /** It is being written: what is open at its end is shown as if it were closed. */
  readonly isOpen?: boolean;
}

export const Markdown = memo(function Markdown({ text, isOpen = false }: Props) {
  const isMath = hasMath(text);
  const math = useMath(isMath);
  if (isTooDeep(text)) return <AsText text={text} />;
  return (
    <Plain text={text}>
      <Streamdown
        // By its class it sees that it has to be read again, although its text is the same.
        className={clsx("words", isOpen && "open", math !== null && "set")}
        parseIncompleteMarkdown={isOpen}
        components={ELEMENTS}
        rehypePlugins={REHYPE as never}
        remarkPlugins={math === null ? REMARK : math.plugins}
      >
        {isMath ? withDollars(text) : text}
      </Streamdown>
    </Plain>
  );
});

/** Shows the bare text of what no parser comes to an end with. */
class Plain extends Component<{ readonly text: string; readonly children: ReactNode }> {
  override state = { isTooMuch: false };

  static getDerivedStateFromError() {
    return { isTooMuch: true };
  }

  override render() {
    return this.state.isTooMuch ? <AsText text={this.props.text} /> : this.props.children;
  }
}

function AsText({ text }: { readonly text: string }) {
  return (
    <div className="words">
      <p className="plain" title={strings.chat.asText}>
        {text}
      </p>
    </div>
  );
}
