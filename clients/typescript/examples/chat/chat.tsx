// A chat that outlives reloads, tunnels and restarts of the server. `npm run example`, with a server beside it.

import type { Client } from "@threadline/client";
import { ThreadlineProvider, useConnection, useStreamingChat, useThreads } from "@threadline/client/react";
import { type FormEvent, type ReactNode, StrictMode, useState } from "react";

export function App(props: { readonly client: Client }): ReactNode {
  const [threadId, setThreadId] = useState<string | null>(null);
  const create = async () => setThreadId((await props.client.createThread()).id);
  return (
    <StrictMode>
      <ThreadlineProvider client={props.client}>
        <Sidebar onChoose={setThreadId} onCreate={create} />
        {threadId !== null && <Chat key={threadId} threadId={threadId} />}
      </ThreadlineProvider>
    </StrictMode>
  );
}

function Sidebar(props: { readonly onChoose: (id: string) => void; readonly onCreate: () => void }): ReactNode {
  const { threads } = useThreads();
  const { phase } = useConnection();
  return (
    <nav>
      <p role="status">{phase}</p>
      <button type="button" onClick={props.onCreate}>
        New chat
      </button>
      {threads.map((thread) => (
        <button type="button" key={thread.id} onClick={() => props.onChoose(thread.id)}>
          {thread.title ?? "Untitled"}
        </button>
      ))}
    </nav>
  );
}

function Chat(props: { readonly threadId: string }): ReactNode {
  const { messages, failed, isStreaming, send, stop, retry } = useStreamingChat(props.threadId);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const text = String(new FormData(form).get("text") ?? "");
    if (text.trim() !== "") void send(text).then(() => form.reset());
  };
  return (
    <main>
      {messages.map(({ key, message, delivery }) => (
        <p key={key} data-role={message.role} data-delivery={delivery}>
          {message.content.map((block) => (block.type === "text" ? block.text : ""))}
        </p>
      ))}
      {failed.map(({ key, error }) => (
        <button type="button" key={key} onClick={() => retry(key)}>
          Not sent: {error?.message}. Try again
        </button>
      ))}
      <form onSubmit={submit}>
        <input name="text" aria-label="Message" autoComplete="off" />
        {isStreaming ? (
          <button type="button" onClick={stop}>
            Stop
          </button>
        ) : (
          <button type="submit">Send</button>
        )}
      </form>
    </main>
  );
}
