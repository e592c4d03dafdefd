// What is being written at a place: its words, its files, and sending both.

import type { SendMessage, SendOptions } from "@threadline/client";
import { useClient, useConnection } from "@threadline/client/react";
import { useEffect } from "react";
import { useWatched } from "../ui/watch.ts";
import { contentOf, inBase64 } from "./content.ts";
import { type Draft, NOTHING } from "./drafts.ts";
import { type Room, roomFor } from "./limits.ts";
import { rememberPreview } from "./previews.ts";
import { type Coming, obstacle, Uploads } from "./uploads.ts";
import { useDraft, useDrafts } from "./use-draft.ts";

export interface Writing {
  readonly draft: Draft;
  readonly coming: readonly Coming[];
  readonly uploads: Uploads;
  readonly room: Room;
  /** What keeps it from being sent, in words. */
  readonly problem: string | null;
  readonly canSend: boolean;
  readonly write: (text: string) => void;
  readonly removeFile: (fileId: string) => void;
  /** False where there is nothing to send, or something is in the way. */
  readonly send: (options?: SendOptions) => boolean;
}

export type OnSend = (content: SendMessage["content"], options?: SendOptions) => Promise<unknown>;

// Uploads go on while one looks at another conversation.
const going = new Map<string, Uploads>();

function useUploads(place: string): Uploads {
  const client = useClient();
  const drafts = useDrafts();
  let uploads = going.get(place);
  if (uploads === undefined) {
    uploads = new Uploads({
      upload: (blob, options) => client.upload(blob, options),
      onDone: (file, blob) => {
        rememberPreview(file.file_id, blob);
        const now = drafts.of(place).get();
        drafts.set(place, { ...now, files: [...now.files.filter((one) => one.file_id !== file.file_id), file] });
      },
    });
    going.set(place, uploads);
  }
  return uploads;
}

export function useWriting(place: string, onSend: OnSend): Writing {
  const [draft, setDraft] = useDraft(place);
  const drafts = useDrafts();
  const uploads = useUploads(place);
  const coming = useWatched(uploads.coming);
  const { phase } = useConnection();
  useEffect(() => {
    if (phase === "live") uploads.wake();
  }, [phase, uploads]);
  const room = roomFor(draft.text);
  const problem = room.isOver ? room.words : obstacle(coming);
  const isEmpty = draft.text.trim() === "" && draft.files.length + coming.length === 0;
  const canSend = !isEmpty && problem === null;
  const send = (options: SendOptions = {}) => {
    if (!canSend) return false;
    const waiting = uploads.takeWaiting();
    drafts.set(place, NOTHING);
    const words = Promise.all(waiting.map(async (one) => ({ ...one, data: await inBase64(one.blob) })));
    words
      .then((inline) => onSend(contentOf(draft.text, draft.files, inline), options))
      .catch(() => {
        // It is not even safe on this device: here it is again.
        drafts.giveBack(place, draft);
        uploads.add(waiting.map(({ blob }) => blob));
      });
    return true;
  };
  return {
    draft,
    coming,
    uploads,
    room,
    problem,
    canSend,
    send,
    write: (text) => setDraft({ ...draft, text }),
    removeFile: (id) => setDraft({ ...draft, files: draft.files.filter((one) => one.file_id !== id) }),
  };
}
