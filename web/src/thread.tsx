// One conversation: its messages as they come, and the place to write.

import type { Block, Client, LiveThread, Shown } from "@threadline/client";
import { type FormEvent, type KeyboardEvent, useState } from "react";
import { strings } from "./strings.ts";
import { useWatched } from "./watch.ts";

export function ThreadPage({ client, id }: { readonly client: Client; readonly id: string }) {
  const live = client.thread(id);
  const { status, thread, messages, run, hasOlder } = useWatched(live.view);
  if (status === "gone") return <p role="alert">{strings.gone}</p>;
  return (
    <>
      <h1 dir="auto">{thread?.title ?? strings.untitled}</h1>
      {hasOlder && (
        <button type="button" className="quiet" onClick={() => void live.loadOlder()}>
          {strings.older}
        </button>
      )}
      {messages.map((shown) => (
        <Message key={shown.key} shown={shown} />
      ))}
      <Composer live={live} runId={run?.id ?? null} client={client} />
    </>
  );
}

function Message({ shown }: { readonly shown: Shown }) {
  const { message, delivery } = shown;
  const note = { stored: null, queued: strings.waits, pending: strings.sending }[delivery];
  return (
    <article className={`message ${message.role}`} aria-busy={message.status === "streaming"}>
      <header>
        {message.author?.name ?? message.model ?? message.role}
        {note !== null && ` · ${note}`}
      </header>
      <div className="content" dir="auto">
        {(message.content ?? []).map((block, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a block is known by its place, as the log names it
          <BlockOf key={place} block={block} />
        ))}
        {message.error != null && <p className="error">{message.error.message}</p>}
      </div>
    </article>
  );
}

function BlockOf({ block }: { readonly block: Block }) {
  switch (block.type) {
    case "text":
      return <p className="plain">{block.text}</p>;
    case "reasoning":
      return (
        <details>
          <summary>{strings.reasoning}</summary>
          <p className="plain">{block.text}</p>
        </details>
      );
    default:
      return null;
  }
}

interface ComposerProps {
  readonly live: LiveThread;
  readonly client: Client;
  readonly runId: string | null;
}

function Composer({ live, client, runId }: ComposerProps) {
  const [text, setText] = useState("");
  const send = (event?: FormEvent) => {
    event?.preventDefault();
    if (text.trim() === "") return;
    void live.send(text);
    setText("");
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      send();
    }
  };
  const stop = (id: string) => client.call("POST /v1/runs/{run_id}/cancel", { path: { run_id: id }, body: {} });
  return (
    <form className="composer" onSubmit={send}>
      <textarea
        aria-label={strings.write}
        placeholder={strings.write}
        rows={2}
        dir="auto"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
      />
      {runId !== null && (
        <button type="button" className="quiet" onClick={() => void stop(runId)}>
          {strings.stop}
        </button>
      )}
      <button type="submit">{strings.send}</button>
    </form>
  );
}
