// What is sent: the files, then the words.

import type { SendMessage } from "@threadline/client";
import type { KeptFile } from "./drafts.ts";

type Content = SendMessage["content"];
type BlockToSend = Exclude<Content, string>[number];

/** A file that goes along within the message. */
export interface Inline {
  readonly name: string;
  readonly media_type: string;
  /** In base64. */
  readonly data: string;
}

// What every vendor takes as a picture; others are files to them.
const PICTURES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

export function isPicture(mediaType: string): boolean {
  return PICTURES.has(mediaType);
}

export function contentOf(text: string, files: readonly KeptFile[], inline: readonly Inline[] = []): Content {
  if (files.length === 0 && inline.length === 0) return text;
  const blocks: BlockToSend[] = [
    ...files.map(({ file_id, name, media_type }) => block({ type: "file", file_id }, name, media_type)),
    ...inline.map(({ name, media_type, data }) => block({ type: "base64", media_type, data }, name, media_type)),
  ];
  return text.trim() === "" ? blocks : [...blocks, { type: "text", text }];
}

type Source = Extract<BlockToSend, { type: "file" }>["source"];

function block(source: Source, name: string, mediaType: string): BlockToSend {
  if (isPicture(mediaType)) return { type: "image", source };
  return { type: "file", source, ...(name && { name }) };
}

/** The words of a message, to be written on: of its files only those that the server has come back. */
export function draftOf(content: Content | undefined): { readonly text: string; readonly files: readonly KeptFile[] } {
  if (content === undefined || typeof content === "string") return { text: content ?? "", files: [] };
  const text = content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
  const files = content.flatMap((part): KeptFile[] => {
    if ((part.type !== "image" && part.type !== "file") || part.source.type !== "file") return [];
    const name = part.type === "file" ? (part.name ?? "") : "";
    const media_type = part.type === "image" ? "image/png" : "application/octet-stream";
    return [{ file_id: part.source.file_id, name, media_type, size: 0 }];
  });
  return { text, files };
}

/** Read bytes as base64. */
export function inBase64(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,/, ""));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

/** A size as people say it. */
export function sizeInWords(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB"];
  const step = Math.min(units.length, Math.floor(Math.log10(bytes) / 3));
  const amount = bytes / 1000 ** step;
  return `${amount < 10 ? amount.toFixed(1) : Math.round(amount)} ${units[step - 1]}`;
}
