// Read-only pages of a conversation: make one, copy its address, and take it back.

import type { Share } from "@threadline/client";
import { useClient } from "@threadline/client/react";
import { Check, Copy } from "lucide-react";
import { useCallback, useEffect, useState } from "react";
import { shownDay } from "../intl.ts";
import { strings } from "../strings.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { tried } from "./deeds.ts";

const DAY_SECONDS = 24 * 60 * 60;
const TERMS = [1, 7, 30, 365] as const;

interface Props {
  readonly threadId: string;
  readonly mayChange: boolean;
  readonly onClose: () => void;
}

export default function ShareDialog({ threadId, mayChange, onClose }: Props) {
  const client = useClient();
  const [shares, setShares] = useState<readonly Share[]>([]);
  const [made, setMade] = useState<Share | null>(null);
  const [days, setDays] = useState(30);
  const load = useCallback(async () => {
    const page = await client.call("GET /v1/threads/{thread_id}/shares", { path: { thread_id: threadId } });
    setShares(page.data.filter((share) => share.revoked_at === null && new Date(share.expires_at) > new Date()));
  }, [client, threadId]);
  useEffect(() => {
    void tried(load);
  }, [load]);
  const make = () =>
    tried(async () => {
      const body = { expires_in: days * DAY_SECONDS };
      setMade(await client.call("POST /v1/threads/{thread_id}/share", { path: { thread_id: threadId }, body }));
      await load();
    });
  const revoke = (share: Share) =>
    tried(async () => {
      const path = { thread_id: threadId, share_id: share.id };
      await client.call("DELETE /v1/threads/{thread_id}/shares/{share_id}", { path });
      setMade((before) => (before?.id === share.id ? null : before));
      await load();
    });
  return (
    <Dialog title={strings.room.share} isOpen onClose={onClose}>
      <p className="text-sm text-soft">{strings.room.shareText}</p>
      {mayChange && (
        <div className="mt-4 flex flex-wrap items-end gap-3">
          <label className="grid gap-1 text-sm">
            {strings.room.shareFor}
            <select
              value={days}
              onChange={(event) => setDays(Number(event.target.value))}
              className="h-9 rounded-lg border border-line bg-ground px-2"
            >
              {TERMS.map((term) => (
                <option key={term} value={term}>
                  {strings.room.days(term)}
                </option>
              ))}
            </select>
          </label>
          <Button kind="primary" onClick={() => void make()}>
            {strings.room.makeShare}
          </Button>
        </div>
      )}
      {made?.url != null && <Address url={made.url} />}
      <h3 className="mt-6 mb-1 text-sm font-semibold">{strings.room.shares}</h3>
      {shares.length === 0 && <p className="text-sm text-soft">{strings.room.noShares}</p>}
      <ul className="divide-y divide-line text-sm">
        {shares.map((share) => (
          <li key={share.id} className="flex items-center justify-between gap-3 py-2">
            <span>{strings.room.shareTerm(shownDay(share.created_at), shownDay(share.expires_at))}</span>
            {mayChange && (
              <Button kind="danger" onClick={() => void revoke(share)}>
                {strings.room.revoke}
              </Button>
            )}
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

function Address({ url }: { readonly url: string }) {
  const [isCopied, setIsCopied] = useState(false);
  const copy = async () => setIsCopied(await tried(() => navigator.clipboard.writeText(url)));
  return (
    <div className="mt-4">
      <div className="flex gap-2">
        <input
          readOnly
          aria-label={strings.room.shareAddress}
          value={url}
          dir="ltr"
          onFocus={(event) => event.currentTarget.select()}
          className="h-9 min-w-0 flex-1 rounded-lg border border-line bg-raised px-2 text-sm"
        />
        <Button onClick={() => void copy()}>
          {isCopied ? <Check aria-hidden className="size-4" /> : <Copy aria-hidden className="size-4" />}
          {isCopied ? strings.room.copied : strings.room.copyLink}
        </Button>
      </div>
      <p className="mt-1 text-xs text-soft">{strings.room.shownOnce}</p>
    </div>
  );
}
