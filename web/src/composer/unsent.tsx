// What is on this device still: waiting for the network, or refused.

import type { Pending } from "@threadline/client";
import { CircleAlert, Clock } from "lucide-react";
import type { ReactNode } from "react";
import { strings } from "../strings.ts";
import { Button } from "../ui/button.tsx";
import { draftOf } from "./content.ts";
import { useDrafts } from "./use-draft.ts";

interface Props {
  readonly pending: readonly Pending[];
  /** Where words go that are taken back. */
  readonly place: string;
  readonly retry: (key: string) => Promise<void>;
  readonly withdraw: (key: string) => Promise<boolean>;
}

/** What was refused, and why. Nothing of it is lost until somebody says so. */
export function Refused({ pending, place, retry, withdraw }: Props) {
  const takeBack = useTakeBack(place, withdraw);
  const refused = pending.filter(({ status }) => status === "failed");
  if (refused.length === 0) return null;
  return (
    <ul aria-label={strings.composer.refused} className="mb-2 grid gap-2">
      {refused.map((one) => (
        <Line key={one.key} one={one} isBad>
          <Button onClick={() => void retry(one.key)}>{strings.composer.sendAgain}</Button>
          <Button onClick={() => void takeBack(one)}>{strings.composer.backToField}</Button>
          <Button kind="plain" onClick={() => void withdraw(one.key)}>
            {strings.composer.discard}
          </Button>
        </Line>
      ))}
    </ul>
  );
}

/** What waits for the network. */
export function WaitingHere({ pending, place, withdraw }: Omit<Props, "retry">) {
  const takeBack = useTakeBack(place, withdraw);
  const waiting = pending.filter(({ status }) => status === "pending");
  if (waiting.length === 0) return null;
  return (
    <ul aria-label={strings.composer.waitingHere} className="mb-2 grid gap-2">
      {waiting.map((one) => (
        <Line key={one.key} one={one}>
          <Button kind="plain" onClick={() => void takeBack(one)}>
            {strings.composer.takeBack}
          </Button>
        </Line>
      ))}
    </ul>
  );
}

function useTakeBack(place: string, withdraw: Props["withdraw"]) {
  const drafts = useDrafts();
  return async ({ key, body }: Pending) => {
    if (await withdraw(key)) drafts.giveBack(place, draftOf(body.content));
  };
}

interface LineProps {
  readonly one: Pending;
  readonly isBad?: boolean;
  readonly children: ReactNode;
}

function Line({ one, isBad = false, children }: LineProps) {
  const { text, files } = draftOf(one.body.content);
  const Icon = isBad ? CircleAlert : Clock;
  return (
    <li
      className={`flex flex-wrap items-center gap-x-3 gap-y-1 rounded-2xl border bg-raised px-4 py-2 text-sm ${isBad ? "border-bad" : "border-line"}`}
    >
      <Icon aria-hidden className={`size-4 shrink-0 ${isBad ? "text-bad" : "text-soft"}`} />
      <span className="grid min-w-40 flex-1">
        <span dir="auto" className="line-clamp-2 whitespace-pre-wrap">
          {text || strings.composer.filesOnly(files.length)}
        </span>
        <span role={isBad ? "alert" : undefined} className={`text-xs ${isBad ? "text-bad" : "text-soft"}`}>
          {isBad ? strings.composer.notSent(one.error?.message ?? "") : strings.composer.waitsForNetwork}
        </span>
      </span>
      <span className="flex flex-wrap gap-1">{children}</span>
    </li>
  );
}
