// The files of what is being written.

import { FileText, RotateCw, X } from "lucide-react";
import type { ReactNode } from "react";
import { strings } from "../strings.ts";
import { IconButton } from "../ui/button.tsx";
import { isPicture, sizeInWords } from "./content.ts";
import { previewOf, previewOfBlob } from "./previews.ts";
import type { Coming } from "./uploads.ts";
import type { Writing } from "./use-writing.ts";

export function Files({ writing }: { readonly writing: Writing }) {
  const { draft, coming, uploads, removeFile } = writing;
  if (draft.files.length + coming.length === 0) return null;
  return (
    <ul aria-label={strings.composer.attachments} className="flex flex-wrap gap-2 px-3 pt-3">
      {draft.files.map(({ file_id, name, media_type, size }) => (
        <Card
          key={file_id}
          name={name}
          picture={isPicture(media_type) ? previewOf(file_id) : null}
          note={size > 0 ? sizeInWords(size) : ""}
          onRemove={() => removeFile(file_id)}
        />
      ))}
      {coming.map((one) => (
        <Card
          key={one.key}
          name={one.name}
          picture={isPicture(one.media_type) ? previewOfBlob(one.blob) : null}
          note={noteOf(one)}
          isBad={one.state === "failed"}
          onRemove={() => uploads.remove(one.key)}
        >
          {one.state === "uploading" && <Progress name={one.name} share={one.share} />}
          {one.state === "failed" && (
            <IconButton label={strings.composer.tryAgain(one.name)} onClick={() => uploads.retry(one.key)}>
              <RotateCw aria-hidden className="size-4" />
            </IconButton>
          )}
        </Card>
      ))}
    </ul>
  );
}

function noteOf({ state, words, size }: Coming): string {
  if (state === "failed") return words ?? strings.composer.uploadFailed;
  return state === "waiting" ? strings.composer.waitsForNetwork : sizeInWords(size);
}

interface CardProps {
  readonly name: string;
  readonly picture: string | null;
  readonly note: string;
  readonly isBad?: boolean;
  readonly onRemove: () => void;
  readonly children?: ReactNode;
}

function Card({ name, picture, note, isBad = false, onRemove, children }: CardProps) {
  const called = name || strings.composer.picture;
  return (
    <li
      className={`relative flex max-w-full items-center gap-2 overflow-hidden rounded-xl border bg-raised p-1.5 text-sm ${isBad ? "border-bad" : "border-line"}`}
    >
      {picture === null ? (
        <span className="grid size-11 shrink-0 place-items-center rounded-lg bg-line/60 text-soft">
          <FileText aria-hidden className="size-5" />
        </span>
      ) : (
        <img src={picture} alt="" className="size-11 shrink-0 rounded-lg object-cover" />
      )}
      <span className="grid min-w-0 max-w-52">
        <bdi className="truncate font-medium">{called}</bdi>
        <span className={`text-xs ${isBad ? "text-bad" : "text-soft"}`}>{note}</span>
      </span>
      {children}
      <IconButton label={strings.composer.remove(called)} onClick={onRemove} className="size-7!">
        <X aria-hidden className="size-4" />
      </IconButton>
    </li>
  );
}

function Progress({ name, share }: { readonly name: string; readonly share: number }) {
  const percent = Math.round(share * 100);
  return (
    <span
      role="progressbar"
      aria-label={strings.composer.uploading(name)}
      aria-valuenow={percent}
      className="absolute inset-x-0 bottom-0 h-1 bg-line"
    >
      <span className="block h-full bg-accent transition-[width]" style={{ width: `${percent}%` }} />
    </span>
  );
}
