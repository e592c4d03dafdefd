// A picture or a file that came with a message.

import type { FileBlock, ImageBlock } from "@threadline/client";
import { FileText } from "lucide-react";
import { strings } from "../strings.ts";

function addressOf(source: ImageBlock["source"]): string | null {
  if (source.type === "file") return `/v1/files/${source.file_id}/content`;
  // A remote picture would tell its server who reads what, and when.
  if (source.type === "url") return null;
  return `data:${source.media_type};base64,${source.data}`;
}

export function Attached({ block }: { readonly block: ImageBlock | FileBlock }) {
  const address = addressOf(block.source);
  const name = block.type === "file" ? block.name : null;
  if (block.type === "image" && address !== null) {
    const picture = <img src={address} alt={strings.chat.picture} className="max-h-80 w-auto rounded-xl" />;
    if (block.source.type !== "file") return <p>{picture}</p>;
    return (
      <p>
        <a href={address} target="_blank" rel="noopener">
          {picture}
        </a>
      </p>
    );
  }
  const words = (
    <>
      <FileText aria-hidden className="size-4 shrink-0" />
      <bdi className="truncate">{name ?? (block.type === "image" ? strings.chat.picture : strings.chat.file)}</bdi>
    </>
  );
  const look = "inline-flex max-w-full items-center gap-2 rounded-lg border border-line bg-ground px-3 py-1.5 text-sm";
  const href = block.source.type === "url" ? block.source.url : address;
  if (href === null || block.source.type === "base64") return <p className={look}>{words}</p>;
  return (
    <p>
      <a href={href} className={look} target="_blank" rel="noopener noreferrer nofollow ugc">
        {words}
      </a>
    </p>
  );
}
