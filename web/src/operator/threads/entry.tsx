// One message of an audit report: what was said, in its order, and what was called for it.

import type { Message, ToolCall } from "@threadline/client";
import { strings } from "../../strings.operator.ts";
import { Status } from "../kit/badge.tsx";
import { Time } from "../kit/time.tsx";
import { Call } from "./call.tsx";

const words = strings.audit;
type Block = Message["content"][number];

interface Props {
  readonly message: Message;
  readonly calls: readonly ToolCall[];
}

export function Entry({ message, calls }: Props) {
  return (
    <li className="rounded-2xl border border-line">
      <header className="flex flex-wrap items-baseline gap-x-3 gap-y-1 rounded-t-2xl border-b border-line bg-raised px-4 py-2 text-sm">
        <h2 className="font-semibold" dir="auto">
          {nameOf(message)}
        </h2>
        {message.model !== null && <span className="text-soft">{message.model}</span>}
        {message.status !== "complete" && <Status status={message.status} />}
        <span className="ms-auto text-xs text-soft">
          <Time at={message.created_at} isExact />
        </span>
      </header>
      <div className="grid gap-3 px-4 py-3">
        {message.content.map((block, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a block is known by its place, as the log names it
          <Part key={place} block={block} calls={calls} />
        ))}
        {message.error !== null && <p className="text-sm text-bad">{message.error.message}</p>}
      </div>
    </li>
  );
}

function nameOf({ author }: Message): string {
  const name = author.name ?? author.id;
  return name === null || name === undefined ? words.authors[author.type] : `${words.authors[author.type]} ${name}`;
}

function Part({ block, calls }: { readonly block: Block; readonly calls: readonly ToolCall[] }) {
  switch (block.type) {
    case "text":
      return (
        <p dir="auto" className="whitespace-pre-wrap wrap-anywhere">
          {block.text}
        </p>
      );
    case "reasoning":
      return (
        <blockquote
          dir="auto"
          className="whitespace-pre-wrap border-s-2 border-line ps-3 text-sm text-soft wrap-anywhere"
        >
          {block.text}
        </blockquote>
      );
    case "tool_use": {
      const call = calls.find((one) => one.tool_use_id === block.id);
      return call === undefined ? (
        <Other text={`${block.name}(${JSON.stringify(block.input)})`} />
      ) : (
        <Call call={call} />
      );
    }
    case "tool_result":
      // With its call, where there is one.
      return calls.some((one) => one.tool_use_id === block.tool_use_id) ? null : (
        <Other text={JSON.stringify(block.content)} />
      );
    case "image":
    case "file":
      return <Other text={words.attached(block.type, nameOfSource(block))} />;
    case "provider":
      return <Other text={words.ofVendor(block.provider)} />;
  }
}

function nameOfSource(block: Extract<Block, { type: "file" | "image" }>): string {
  if ("name" in block && block.name) return block.name;
  const { source } = block;
  if (source.type === "file") return source.file_id;
  return source.type === "url" ? source.url : source.media_type;
}

function Other({ text }: { readonly text: string }) {
  return (
    <p dir="auto" className="font-mono text-xs text-soft wrap-anywhere">
      {text}
    </p>
  );
}
