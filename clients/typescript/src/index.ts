// @threadline/client: a durable chat in a browser, or wherever JavaScript runs.

export { Client, type ClientOptions } from "./client.ts";
export {
  type Block,
  EMPTY,
  fold,
  knownOf,
  LogHole,
  membersOf,
  messagesOf,
  runsOf,
  type Snapshot,
  siblingsOf,
  stateOf,
  type ThreadState,
  type WireEvent,
  withMessages,
} from "./fold.ts";
export { type Asked, Http, type HttpOptions, type Operation, Refusal, type Token, Unreachable } from "./http.ts";
export { type Locks, OwnLocks } from "./leader.ts";
export type { ListedThread, ThreadChange, ThreadList, ThreadsView } from "./list.ts";
export type { Connection, Phase } from "./machine.ts";
export type { Outbox, Pending } from "./outbox.ts";
export type { People, Person } from "./presence.ts";
export { type Delivery, isKnown, type Shown, type ShownMessage, shownOf } from "./shown.ts";
export { type Readable, Signal, type Unsubscribe } from "./signal.ts";
export type { KeptThread, Outgoing, Store } from "./store/contract.ts";
export { IndexedDBStore } from "./store/indexeddb.ts";
export { MemoryStore } from "./store/memory.ts";
export type { LiveThread, SendOptions } from "./thread.ts";
export type * from "./types.ts";
export type { UploadOptions } from "./upload.ts";
export type { ThreadStatus, ThreadView } from "./view.ts";
