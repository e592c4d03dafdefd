// The hooks, and the example that is made of them, against the real server.

import "./dom.ts";

import { act, cleanup, fireEvent, render, renderHook, screen, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { App } from "../examples/chat/chat.tsx";
import { Client } from "../src/client.ts";
import {
  ThreadlineProvider,
  useConnection,
  useMessages,
  usePresence,
  useSend,
  useStreamingChat,
  useThread,
  useThreads,
} from "../src/react/index.ts";
import { MemoryStore } from "../src/store/memory.ts";
import { RealServer } from "./real_server.ts";
import { counted } from "./waiting.ts";

const PATIENCE = { timeout: 300_000 };
const server = new RealServer();
let client: Client;

beforeAll(() => server.start(), PATIENCE.timeout);
afterAll(() => server.stop(), PATIENCE.timeout);
beforeEach(() => {
  client = new Client({ baseUrl: server.url, token: server.key, store: new MemoryStore() });
});
afterEach(async () => {
  cleanup();
  await client.close();
});

function Around(props: { readonly children: ReactNode }): ReactNode {
  return <ThreadlineProvider client={client}>{props.children}</ThreadlineProvider>;
}

test("the example: a new chat, a question, and its answer word for word", PATIENCE, async () => {
  render(<App client={client} />);
  await waitFor(() => expect(screen.getByRole("status").textContent).toBe("live"), PATIENCE);
  fireEvent.click(screen.getByText("New chat"));
  const input = await screen.findByLabelText("Message", {}, PATIENCE);
  fireEvent.input(input, { target: { value: "hello there" } });
  fireEvent.submit(input.closest("form") as HTMLFormElement);
  await waitFor(() => expect(document.querySelector("[data-role=user]")?.textContent).toBe("hello there"), PATIENCE);
  await waitFor(() => expect(screen.queryByText("Send")).not.toBeNull(), PATIENCE);
  expect(document.querySelector("[data-role=assistant]")?.textContent).toBe("hello there");
  expect(document.querySelectorAll("[data-delivery=stored]").length).toBe(2);
});

test("a chat is stopped, answered again and put otherwise", PATIENCE, async () => {
  const { id } = await client.createThread({ model: "demo/count-9999@50" });
  const { result } = renderHook(() => useStreamingChat(id), { wrapper: Around });
  await act(() => result.current.send("count"));
  expect(result.current.isStreaming).toBe(true);
  await waitFor(() => expect(text(result.current.current?.message)).toContain("w3"), PATIENCE);
  await act(() => result.current.stop());
  await waitFor(() => expect(result.current.isStreaming).toBe(false), PATIENCE);
  const stopped = result.current.messages.at(-1)?.message;
  expect(stopped?.status).toBe("cancelled");
  await act(() => result.current.regenerate(stopped?.id ?? "", { model: "demo/count-5@max" }));
  await waitFor(() => expect(last(result.current)).toEqual(["complete", counted(5)]), PATIENCE);
  expect(result.current.messages.length).toBe(2);
  const beside = result.current.siblings(stopped?.id ?? "").map((message) => message.status);
  expect(beside).toEqual(["cancelled", "complete"]);
  await act(() => result.current.switchTo(stopped?.id ?? ""));
  await waitFor(() => expect(last(result.current)[0]).toBe("cancelled"), PATIENCE);
  const question = result.current.messages[0]?.message.id ?? "";
  await act(() => result.current.edit(question, "echo this", { model: "demo/echo@max" }));
  await waitFor(() => expect(last(result.current)).toEqual(["complete", "echo this"]), PATIENCE);
});

test("every hook sees one state, and none is asked for a thread that there is not", PATIENCE, async () => {
  const { id } = await client.createThread({ title: "Seen by all", model: "demo/echo@max" });
  const { result } = renderHook(
    () => ({
      thread: useThread(id),
      messages: useMessages(id),
      send: useSend(id),
      threads: useThreads(),
      connection: useConnection(),
      none: useStreamingChat(null),
    }),
    { wrapper: Around },
  );
  await waitFor(() => expect(result.current.connection.phase).toBe("live"), PATIENCE);
  const titles = () => result.current.threads.threads.map((thread) => thread.title);
  await waitFor(() => expect(titles()).toContain("Seen by all"), PATIENCE);
  await act(() => result.current.send("hello"));
  await waitFor(() => expect(result.current.messages.length).toBe(2), PATIENCE);
  expect(result.current.thread.messages).toBe(result.current.messages);
  expect(result.current.none.messages).toEqual([]);
  await expect(result.current.none.send("into nothing")).rejects.toThrow("no thread");
});

test("somebody else comes, types, and goes", PATIENCE, async () => {
  const { id } = await client.createThread({ end_user_id: "ann" });
  const { result } = renderHook(() => ({ presence: usePresence(id), connection: useConnection() }), {
    wrapper: Around,
  });
  await waitFor(() => expect(result.current.connection.phase).toBe("live"), PATIENCE);
  const { token } = await server.ask<{ token: string }>("POST", "/v1/tokens", { end_user_id: "ann" });
  const { WebSocket } = await import("ws");
  const ann = new Client({
    baseUrl: server.url,
    token,
    store: new MemoryStore(),
    WebSocket: WebSocket as unknown as typeof globalThis.WebSocket,
  });
  const end = ann.thread(id).people.subscribe(() => {});
  await waitFor(() => expect([...result.current.presence.people.keys()]).toEqual(["ann"]), PATIENCE);
  ann.typing(id);
  await waitFor(() => expect(result.current.presence.typing).toEqual(["ann"]), PATIENCE);
  ann.typing(id, false);
  await waitFor(() => expect(result.current.presence.typing).toEqual([]), PATIENCE);
  end();
  await ann.close();
  await waitFor(() => expect(result.current.presence.people.size).toBe(0), PATIENCE);
});

interface Said {
  readonly content: readonly { readonly type: string; readonly text?: string }[];
}

function text(message: Said | undefined): string {
  return (message?.content ?? []).map((block) => block.text ?? "").join("");
}

function last(chat: {
  readonly messages: readonly { readonly message: Said & { readonly status: string } }[];
}): string[] {
  const message = chat.messages.at(-1)?.message;
  return [message?.status ?? "", text(message)];
}
