// Pictures and files of a message. What lies here is fetched by a link that works for some minutes.

import type { Client, FileBlock } from "@threadline/client";
import { useClient } from "@threadline/client/react";
import { FileText, Image as ImageIcon } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { strings } from "../strings.ts";
import { outside } from "./markdown/links.ts";
import { sizeOf } from "./words.ts";

type Source = FileBlock["source"];

interface Found {
  readonly name: string | null;
  readonly size: number;
  /** On this server, whatever name it has there. */
  readonly path: string;
}

/** What a browser draws and does nothing else with. */
const PICTURES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);
const KEPT_MS = 240_000;

const found = new WeakMap<Client, Map<string, { readonly at: number; readonly file: Promise<Found> }>>();

async function ask(client: Client, file_id: string): Promise<Found> {
  const path = { file_id };
  const [file, link] = await Promise.all([
    client.call("GET /v1/files/{file_id}", { path }),
    client.call("POST /v1/files/{file_id}/link", { path, body: {} }),
  ]);
  const { pathname, search } = new URL(link.url, location.origin);
  return { name: file.name, size: file.size, path: pathname + search };
}

function lookUp(client: Client, id: string): Promise<Found> {
  const kept = found.get(client) ?? new Map();
  found.set(client, kept);
  const before = kept.get(id);
  if (before !== undefined && Date.now() - before.at < KEPT_MS) return before.file;
  const file = ask(client, id);
  kept.set(id, { at: Date.now(), file });
  file.catch(() => kept.delete(id));
  return file;
}

function useFile(source: Source): Found | "gone" | null {
  const client = useClient();
  const [file, setFile] = useState<Found | "gone" | null>(null);
  const id = source.type === "file" ? source.file_id : null;
  useEffect(() => {
    if (id === null) return;
    let isHere = true;
    lookUp(client, id).then(
      (one) => isHere && setFile(one),
      () => isHere && setFile("gone"),
    );
    return () => {
      isHere = false;
    };
  }, [client, id]);
  return file;
}

export function ImageOf({ source }: { readonly source: Source }) {
  const file = useFile(source);
  if (source.type === "url")
    return <Chip icon={<ImageIcon aria-hidden />} name={strings.chat.picture} href={source.url} />;
  const address = source.type === "base64" ? dataOf(source) : file !== null && file !== "gone" ? file.path : null;
  if (address === null && (source.type === "base64" || file === "gone")) {
    return <Chip icon={<ImageIcon aria-hidden />} name={strings.chat.picture} />;
  }
  const name = file !== null && file !== "gone" && file.name !== null ? file.name : strings.chat.picture;
  const image = address !== null && <img src={address} alt={name} loading="lazy" />;
  // Its place is as high before it is there.
  return (
    <div className="picture">
      {source.type === "base64" || address === null ? (
        image
      ) : (
        <a href={address} target="_blank" rel="noopener noreferrer">
          {image}
        </a>
      )}
    </div>
  );
}

function dataOf({ media_type, data }: Extract<Source, { readonly type: "base64" }>): string | null {
  return PICTURES.has(media_type) ? `data:${media_type};base64,${data}` : null;
}

export function FileOf({ source, name }: { readonly source: Source; readonly name: string | null }) {
  const file = useFile(source);
  const icon = <FileText aria-hidden />;
  if (source.type === "url") return <Chip icon={icon} name={name ?? strings.chat.file} href={source.url} />;
  if (file === null || file === "gone") return <Chip icon={icon} name={name ?? strings.chat.file} />;
  return <Chip icon={icon} name={name ?? file.name ?? strings.chat.file} size={file.size} path={file.path} />;
}

interface ChipProps {
  readonly icon: ReactNode;
  readonly name: string;
  readonly size?: number;
  /** An address of others, as somebody has written it. */
  readonly href?: string;
  /** On this server. */
  readonly path?: string;
}

function Chip({ icon, name, size, href, path }: ChipProps) {
  const address = path ?? outside(href, location.origin);
  const words = (
    <>
      {icon}
      <span dir="auto">{name}</span>
      {size !== undefined && <span className="soft">{sizeOf(size)}</span>}
    </>
  );
  return (
    <p className="attached">
      {address === null ? (
        <span>{words}</span>
      ) : (
        <a href={address} target="_blank" rel="noopener noreferrer nofollow ugc">
          {words}
        </a>
      )}
    </p>
  );
}
