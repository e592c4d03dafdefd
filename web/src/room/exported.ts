// A conversation as a file: Markdown for people, JSON for programs. Pure.

import type { Message } from "@threadline/client";

type Block = Message["content"][number];

/** A name that every system takes for a file. */
export function fileNameOf(title: string, kind: "md" | "json"): string {
  const safe = [...title.normalize("NFC")]
    .map((letter) => (/[\p{L}\p{N}\p{M} _-]/u.test(letter) ? letter : " "))
    .join("")
    .replace(/\s+/gu, " ")
    .trim()
    .slice(0, 80)
    .trim();
  // What Windows takes for a device is none.
  const isDevice = /^(con|prn|aux|nul|com\d|lpt\d)$/i.test(safe);
  return `${safe === "" || isDevice ? "conversation" : safe}.${kind}`;
}

export function markdownOf(title: string, messages: readonly Message[], nameOfAuthor: (message: Message) => string) {
  const parts = messages.map((message) => {
    const words = message.content.map(blockText).filter((text) => text !== "");
    return [`## ${nameOfAuthor(message)}`, ...words].join("\n\n");
  });
  return `${[`# ${title}`, ...parts].join("\n\n")}\n`;
}

function blockText(block: Block): string {
  switch (block.type) {
    case "text":
      return block.text;
    case "tool_use":
      return fenced("json", `${block.name} ${JSON.stringify(block.input, null, 2)}`);
    case "tool_result":
      return fenced("", typeof block.content === "string" ? block.content : JSON.stringify(block.content, null, 2));
    case "image":
      return "*[image]*";
    case "file":
      return `*[${block.name ?? "file"}]*`;
    default:
      return "";
  }
}

// A fence is longer than any in the text that it holds.
function fenced(language: string, text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}
