// @threadline/client/react: hooks over the client's state. A component shows what there is; nothing has to be fetched.

import {
  createContext,
  createElement,
  type ReactNode,
  useCallback,
  useContext,
  useMemo,
  useSyncExternalStore,
} from "react";
import type { Client } from "../client.ts";
import type { ListedThread } from "../list.ts";
import type { Connection } from "../machine.ts";
import type { Pending } from "../outbox.ts";
import type { People } from "../presence.ts";
import type { Shown } from "../shown.ts";
import { type Readable, Signal } from "../signal.ts";
import type { LiveThread, SendOptions } from "../thread.ts";
import type { ChangeRun, Message, RegenerateMessage, SendMessage, Sent } from "../types.ts";
import { LOADING, type ThreadView } from "../view.ts";

const Context = createContext<Client | null>(null);

/** Gives a client to all hooks below. */
export function ThreadlineProvider(props: { readonly client: Client; readonly children?: ReactNode }): ReactNode {
  return createElement(Context.Provider, { value: props.client }, props.children);
}

export function useClient(): Client {
  const client = useContext(Context);
  if (client === null) throw new Error("There is no <ThreadlineProvider> around this component.");
  return client;
}

function useReadable<Value>(readable: Readable<Value>): Value {
  return useSyncExternalStore(readable.subscribe, readable.get, readable.get);
}

/** What a hook shows as long as it is given no thread. */
const NO_THREAD: Readable<ThreadView> = new Signal(LOADING);
const NO_PEOPLE: Readable<People> = new Signal<People>(new Map());

function useLive(threadId: string | null): LiveThread | null {
  const client = useClient();
  return useMemo(() => (threadId === null ? null : client.thread(threadId)), [client, threadId]);
}

/** A thread as it is now, from this device at once and then live. */
export function useThread(threadId: string | null): ThreadView {
  return useReadable(useLive(threadId)?.view ?? NO_THREAD);
}

/** The lines of a thread, oldest first: what is stored, what waits for its turn, and what is still to be sent. */
export function useMessages(threadId: string | null): readonly Shown[] {
  return useThread(threadId).messages;
}

export interface Threads {
  readonly threads: readonly ListedThread[];
  /** What was looked for and found further down. */
  readonly found: readonly ListedThread[];
  readonly isFresh: boolean;
  readonly hasMore: boolean;
  readonly loadMore: () => Promise<void>;
}

/** The list of threads, pinned first, then latest activity. */
export function useThreads(): Threads {
  const { threads } = useClient();
  const view = useReadable(threads.view);
  const loadMore = useCallback(() => threads.loadMore(), [threads]);
  return useMemo(() => ({ ...view, loadMore }), [view, loadMore]);
}

export type Send = (content: SendMessage["content"], options?: SendOptions) => Promise<Pending>;

/** Sends into a thread. What it returns is safe on this device, whatever becomes of the network. */
export function useSend(threadId: string | null): Send {
  const live = useLive(threadId);
  return useCallback(async (content, options) => existing(live).send(content, options), [live]);
}

/** Whether, and how, the server is heard. */
export function useConnection(): Connection {
  return useReadable(useClient().connection);
}

export interface Presence {
  readonly people: People;
  /** The end users who are typing. */
  readonly typing: readonly string[];
  /** To be called with every key; it is passed on every few seconds. */
  readonly setTyping: (isTyping: boolean) => void;
}

/** Who is there. */
export function usePresence(threadId: string | null): Presence {
  const client = useClient();
  const people = useReadable(useLive(threadId)?.people ?? NO_PEOPLE);
  const setTyping = useCallback(
    (isTyping: boolean) => {
      if (threadId !== null) client.typing(threadId, isTyping);
    },
    [client, threadId],
  );
  return useMemo(() => {
    const typing = [...people].filter(([, { typingUntil }]) => typingUntil > 0).map(([id]) => id);
    return { people, typing, setTyping };
  }, [people, setTyping]);
}

export interface StreamingChat extends ThreadView {
  /** The line that is being written at this moment. */
  readonly current: Shown | null;
  /** Somebody is being answered, or is about to be. */
  readonly isStreaming: boolean;
  readonly send: Send;
  readonly stop: () => Promise<void>;
  /** Rewrite or move what waits for its turn: one of `queue`. */
  readonly changeQueued: (runId: string, change: ChangeRun) => Promise<void>;
  /** Take back what waits for its turn. */
  readonly cancelQueued: (runId: string) => Promise<void>;
  readonly regenerate: (messageId: string, options?: RegenerateMessage) => Promise<Sent>;
  readonly edit: (messageId: string, content: SendMessage["content"], options?: SendOptions) => Promise<Pending>;
  /** Allow or forbid a tool call that waits: one of `run.waiting_for.approvals`. */
  readonly decide: (toolUseId: string, approve: boolean, reason?: string) => Promise<void>;
  /** What is known of the messages beside this one, in their order. */
  readonly siblings: (messageId: string) => readonly Message[];
  readonly switchTo: (messageId: string) => Promise<void>;
  readonly loadOlder: () => Promise<void>;
  /** Send again what was refused. */
  readonly retry: (key: string) => Promise<void>;
  /** Take back what was refused or is still to be sent; false where it is on its way. */
  readonly withdraw: (key: string) => Promise<boolean>;
}

/** Everything that a chat's screen needs. */
export function useStreamingChat(threadId: string | null): StreamingChat {
  const { outbox } = useClient();
  const live = useLive(threadId);
  const view = useThread(threadId);
  const deeds = useMemo(() => deedsOf(live), [live]);
  return useMemo(() => {
    const current = view.messages.findLast(({ message }) => message.status === "streaming") ?? null;
    const isStreaming = view.run !== null || view.messages.at(-1)?.delivery === "pending";
    const retry = (key: string) => outbox.retry(key);
    const withdraw = (key: string) => outbox.withdraw(key);
    return { ...view, ...deeds, current, isStreaming, retry, withdraw };
  }, [view, deeds, outbox]);
}

function deedsOf(live: LiveThread | null) {
  return {
    send: (async (content, options) => existing(live).send(content, options)) as Send,
    stop: async () => existing(live).stop(),
    changeQueued: async (runId: string, change: ChangeRun) => existing(live).change(runId, change),
    cancelQueued: async (runId: string) => existing(live).cancel(runId),
    regenerate: async (id: string, options?: RegenerateMessage) => existing(live).regenerate(id, options),
    edit: async (id: string, content: SendMessage["content"], options?: SendOptions) =>
      existing(live).edit(id, content, options),
    decide: async (id: string, approve: boolean, reason?: string) => existing(live).decide(id, approve, reason),
    siblings: (id: string) => live?.siblings(id) ?? [],
    switchTo: async (id: string) => existing(live).switchTo(id),
    loadOlder: async () => existing(live).loadOlder(),
  };
}

function existing(live: LiveThread | null): LiveThread {
  if (live === null) throw new Error("There is no thread yet: create one first.");
  return live;
}
