// Made by `make types` from the OpenAPI document and the catalogue of events. Never edited.

/** Any JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** Who is to take part: a person, or an agent by its id or handle. */
export interface AddMember {
  readonly end_user_id?: string | null;
  readonly agent?: string | null;
  readonly role?: "member" | "owner" | "viewer";
  readonly reply_policy?: "all" | "mention" | "none" | null;
  readonly handle?: string | null;
  readonly name?: string | null;
}

/**
 * A persona: instructions, a model, tools. `owner` is the end user whose it is, None for the tenant's own.
 *
 * `visibility` says who within the tenant may use it: its owner, the members of its team, or everybody.
 */
export interface Agent {
  readonly id: string;
  readonly object: "agent";
  readonly handle: string;
  readonly name: string;
  readonly description: string | null;
  readonly avatar: string | null;
  readonly instructions: string | null;
  readonly model: string | null;
  readonly parameters: Parameters;
  readonly tools: readonly string[];
  readonly tools_mode: "dynamic" | "explicit" | "tenant";
  readonly owner: string | null;
  readonly visibility: "private" | "public" | "team";
  readonly team_id: string | null;
  readonly archived: boolean;
  readonly version: number;
  readonly metadata: Readonly<Record<string, Json>>;
  readonly created_at: string;
  readonly updated_at: string;
}

/** A page of agents by handle, or of the versions of one, newest first. */
export interface AgentPage {
  readonly data: readonly Agent[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

/** What an agent asks of its model. What is not named is left to the model. */
export interface AgentParameters {
  readonly max_output_tokens?: number | null;
  readonly temperature?: number | null;
}

/** An answer is whole, or broken off: its words, and the calls that it asked for, with what became of them. */
export interface Answered {
  readonly type: "answered";
  readonly seq: number;
  readonly message: Message;
  readonly calls: readonly ToolCall[];
}

/** A person has to agree to a call where any of these holds. */
export interface ApprovalRule {
  readonly any: readonly Condition[];
}

/** A tool call that somebody outside has to say something about. */
export interface AskedCall {
  readonly tool_use_id: string;
  readonly name: string;
  readonly input: Json;
}

/** One life of a run. `attempt` counts from 1; `error` says why it ended without an answer. */
export interface Attempt {
  readonly attempt: number;
  readonly started_at: string;
  readonly ended_at: string | null;
  readonly usage: Usage | null;
  readonly error: ErrorInfo | null;
}

/** A stretch of a thread's audit, in the order of its log. The sums are of this stretch. */
export interface Audit {
  readonly object: string;
  readonly thread: Thread;
  readonly data: readonly (Said | Answered | Ended)[];
  readonly sums: Sums;
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

/** Who wrote a message. `id` is an end user's or an agent's; `name` is what the others call them, where they do. */
export interface Author {
  readonly type: "agent" | "system" | "user";
  readonly id: string | null;
  readonly name?: string;
}

/** Bytes that are carried along. */
export interface Base64Source {
  readonly type: "base64";
  readonly media_type: string;
  readonly data: string;
}

/** The end of a branch. `excerpt` is how its last message begins. */
export interface BranchHead {
  readonly object: "branch";
  readonly tip_message_id: string;
  readonly is_active: boolean;
  readonly role: "assistant" | "system" | "user";
  readonly status: "cancelled" | "complete" | "failed" | "streaming";
  readonly excerpt: string;
  readonly last_activity_at: string;
  readonly seq: number;
}

/** The ends of a thread's branches, newest first. */
export interface BranchPage {
  readonly data: readonly BranchHead[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

/** With `wait`, the answer comes when the run has settled. */
export interface CancelRun {
  readonly wait?: boolean;
}

/** What changes of a run that waits for its turn: what it asks, or its position, counted from 1. */
export interface ChangeRun {
  readonly content?: string | readonly (TextBlock | ImageBlock | FileBlock | ReasoningBlock | ToolUseBlock | ToolResultBlock | ProviderBlock)[] | null;
  readonly position?: number | null;
}

/**
 * One question about a call. `argument` is the path of a value in its input (RFC 6901), such as `/amount`.
 *
 * All that is given has to hold. `tools` names the tools of an MCP server that are meant, as the server calls them. A
 * comparison with a value that is not there, or is of another kind, counts as held: what cannot be judged is shown to
 * a person.
 */
export interface Condition {
  readonly argument?: string;
  readonly tools?: readonly string[] | null;
  readonly equals?: Json;
  readonly one_of?: readonly Json[] | null;
  readonly not_one_of?: readonly Json[] | null;
  readonly over?: number | null;
  readonly under?: number | null;
  readonly contains?: string | null;
  readonly present?: boolean | null;
}

/** A new agent. An end-user token creates private ones of its own, without tools. */
export interface CreateAgent {
  readonly handle: string;
  readonly name?: string | null;
  readonly description?: string | null;
  readonly avatar?: string | null;
  readonly instructions?: string | null;
  readonly model?: string | null;
  readonly parameters?: AgentParameters | null;
  readonly tools?: readonly string[] | null;
  readonly tools_mode?: "dynamic" | "explicit" | "tenant";
  readonly owner?: string | null;
  readonly visibility?: "private" | "public" | "team" | null;
  readonly team_id?: string | null;
  readonly metadata?: Readonly<Record<string, Json>> | null;
}

/** A key of the asking key's own tenant. */
export interface CreateKey {
  readonly name?: string;
  readonly role?: "admin" | "operator" | "server";
}

/** A link to a file, valid for `expires_in` seconds. */
export interface CreateLink {
  readonly expires_in?: number;
}

/** A page of a thread up to a message; without one, up to the newest of the active branch. */
export interface CreateShare {
  readonly message_id?: string | null;
  readonly expires_in?: number;
}

/** A new team, nobody in it. */
export interface CreateTeam {
  readonly name: string;
  readonly metadata?: Readonly<Record<string, Json>> | null;
}

/** A new thread. With an `external_id` that this end user already has, that thread is answered. */
export interface CreateThread {
  readonly end_user_id?: string | null;
  readonly external_id?: string | null;
  readonly title?: string | null;
  readonly model?: string | null;
  readonly instructions?: string | null;
  readonly agent_id?: string | null;
  readonly on_busy?: "enqueue" | "interrupt" | "latest" | "merge" | "reject" | "rollback" | "steer" | null;
  readonly on_disconnect?: "cancel" | "continue" | null;
  readonly metadata?: Readonly<Record<string, Json>> | null;
}

/** A token for one end user, valid for `expires_in` seconds. */
export interface CreateToken {
  readonly end_user_id: string;
  readonly thread_ids?: readonly string[] | null;
  readonly rights?: readonly ("read" | "send")[] | null;
  readonly expires_in?: number;
}

/** A tool. A webhook has a `url` and an `input_schema`, an MCP server a `url`, a client's tool an `input_schema`. */
export interface CreateTool {
  readonly name: string;
  readonly kind: "client" | "mcp" | "webhook";
  readonly description?: string;
  readonly input_schema?: Readonly<Record<string, Json>> | null;
  readonly url?: string | null;
  readonly headers?: Readonly<Record<string, string>> | null;
  readonly approval?: "always" | "never" | ApprovalRule;
  readonly idempotent?: boolean;
  readonly timeout_seconds?: number;
  readonly allow?: readonly string[] | null;
}

/** Agree to a call, or refuse it. The model is told the `reason` of a refusal. */
export interface DecideCall {
  readonly tool_use_id: string;
  readonly approve: boolean;
  readonly reason?: string | null;
}

/** What a model is told of a tool, and of which kind it is. */
export interface Definition {
  readonly name: string;
  readonly kind: "client" | "mcp" | "meta" | "python" | "webhook";
  readonly description: string;
  readonly input_schema: Readonly<Record<string, Json>>;
}

/** What a model is told of a registration: one tool, or all of a server's. */
export interface DefinitionPage {
  readonly data: readonly Definition[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

/**
 * What is going on, and what has happened within a stretch of time.
 *
 * `throughput` is in pieces a second that providers send, over all answers: a token each, or a few.
 * `commit_seconds` is of the machine, and None for who sees one tenant.
 */
export interface Doings {
  readonly running: number;
  readonly queued: number;
  readonly waiting: number;
  readonly readers: number;
  readonly throughput: number;
  readonly started: number;
  readonly ended: Readonly<Record<string, number>>;
  readonly failures: Readonly<Record<string, number>>;
  readonly failures_by_provider: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly attempts_replaced: number;
  readonly tokens: Readonly<Record<string, number>>;
  readonly first_token_seconds: Quantiles;
  readonly tokens_per_second: Quantiles;
  readonly commit_seconds: Quantiles | null;
}

/** A run has ended, with all of its attempts and what each has cost. */
export interface Ended {
  readonly type: "ended";
  readonly seq: number;
  readonly run: Run;
  readonly costs: readonly Spent[];
}

/** Why a run failed, in the codes of `errors.py`. */
export interface ErrorInfo {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

/** A file. Its id comes from its content, name, type and owner, so the same upload is the same file. */
export interface File {
  readonly id: string;
  readonly object: "file";
  readonly name: string | null;
  readonly media_type: string;
  readonly size: number;
  readonly sha256: string;
  readonly end_user_id: string | null;
  readonly created_at: string;
}

/** A document. */
export interface FileBlock {
  readonly type: "file";
  readonly source: UrlSource | Base64Source | FileSource;
  readonly name?: string | null;
}

/** A link to a file's bytes that works without a key until `expires_at`. */
export interface FileLink {
  readonly url: string;
  readonly expires_at: string;
}

/** A page of files, newest first. */
export interface FilePage {
  readonly data: readonly File[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

/** Bytes that were uploaded before, or moved out of a message because they are many. */
export interface FileSource {
  readonly type: "file";
  readonly file_id: string;
}

/** Where a thread has its beginning from: a message of another one, with everything before it. */
export interface ForkPoint {
  readonly thread_id: string;
  readonly message_id: string;
}

/** Where the fork begins: with this message, and with everything before it. */
export interface ForkThread {
  readonly message_id: string;
  readonly title?: string | null;
}

/** A picture. */
export interface ImageBlock {
  readonly type: "image";
  readonly source: UrlSource | Base64Source | FileSource;
}

/** The answer to `POST /v1/tokens`. */
export interface IssuedToken {
  readonly token: string;
  readonly expires_at: string;
}

/** A key as the API shows it. `secret` is there in the answer that creates it, and never again. */
export interface Key {
  readonly id: string;
  readonly object: "key";
  readonly tenant: string;
  readonly name: string;
  readonly role: string;
  readonly created_at: string;
  readonly revoked_at: string | null;
  readonly secret: string | null;
}

/** All keys of a tenant. */
export interface KeyPage {
  readonly data: readonly Key[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

/** What the installation, or a tenant in it, is doing; counted over the last `minutes`. */
export interface Live {
  readonly running: number;
  readonly queued: number;
  readonly waiting: number;
  readonly readers: number;
  readonly throughput: number;
  readonly started: number;
  readonly ended: Readonly<Record<string, number>>;
  readonly failures: Readonly<Record<string, number>>;
  readonly failures_by_provider: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly attempts_replaced: number;
  readonly tokens: Readonly<Record<string, number>>;
  readonly first_token_seconds: Quantiles;
  readonly tokens_per_second: Quantiles;
  readonly commit_seconds: Quantiles | null;
  readonly object: string;
  readonly at: string;
  readonly minutes: number;
  readonly nodes: readonly NodeDoings[];
  readonly history: readonly MinuteDoings[];
}

/** Up to where; neither a seq nor a message means all there is. `end_user_id` is for keys: whose mark it is. */
export interface MarkRead {
  readonly seq?: number | null;
  readonly message_id?: string | null;
  readonly end_user_id?: string | null;
}

/**
 * A person or an agent in a thread. Exactly one of `end_user_id` and `agent_id` is there.
 *
 * `handle` is what stands behind the @ in this room, `name` what the others are shown. `reply_policy` is an agent's:
 * it answers every message of a person, or those that call it, or none by itself. A `viewer` only reads; an `owner`
 * also says who else takes part.
 */
export interface Member {
  readonly id: string;
  readonly object: "member";
  readonly thread_id: string;
  readonly end_user_id: string | null;
  readonly agent_id: string | null;
  readonly handle: string | null;
  readonly name: string | null;
  readonly role: "member" | "owner" | "viewer";
  readonly reply_policy: "all" | "mention" | "none" | null;
  readonly invited_by: string | null;
  readonly created_at: string;
}

/** Somebody takes part in the thread from here on. */
export interface MemberAdded {
  readonly type: "member.added";
  readonly member: Member;
  readonly seq: number;
  readonly thread_id: string;
}

/** Who takes part in a thread: all of them. */
export interface MemberPage {
  readonly data: readonly Member[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

/** Somebody takes part no more. The last event that a person who was removed is shown. */
export interface MemberRemoved {
  readonly type: "member.removed";
  readonly member: Member;
  readonly seq: number;
  readonly thread_id: string;
}

/** Somebody takes part as something else. */
export interface MemberUpdated {
  readonly type: "member.updated";
  readonly member: Member;
  readonly seq: number;
  readonly thread_id: string;
}

/** Somebody whom a message calls by `@handle`. */
export interface Mention {
  readonly type: "agent" | "user";
  readonly id: string;
  readonly handle: string;
}

/**
 * One author's contribution. `seq` and `parent_id` are None while it waits for its turn.
 *
 * `siblings` is there in pages and states, and only where there are others: it is no part of a row or of an event.
 */
export interface Message {
  readonly id: string;
  readonly object: "message";
  readonly thread_id: string;
  readonly seq: number | null;
  readonly parent_id: string | null;
  readonly role: "assistant" | "system" | "user";
  readonly author: Author;
  readonly mentions: readonly Mention[] | null;
  readonly content: readonly (TextBlock | ImageBlock | FileBlock | ReasoningBlock | ToolUseBlock | ToolResultBlock | ProviderBlock)[];
  readonly status: "cancelled" | "complete" | "failed" | "streaming";
  readonly model: string | null;
  readonly usage: Usage | null;
  readonly finish_reason: string | null;
  readonly error: ErrorInfo | null;
  readonly run_id: string | null;
  readonly request_id: string | null;
  readonly metadata: Readonly<Record<string, Json>>;
  readonly created_at: string;
  readonly completed_at: string | null;
  readonly siblings: Siblings | null;
}

/** The whole message as it stays. Replaces what a client held of it. */
export interface MessageCompleted {
  readonly type: "message.completed";
  readonly message: Message;
  readonly seq: number;
  readonly thread_id: string;
}

/** A whole message of a person (or one moved in from elsewhere). */
export interface MessageCreated {
  readonly type: "message.created";
  readonly message: Message;
  readonly seq: number;
  readonly thread_id: string;
}

/** `text` is added to block number `block` of the message. Carries nothing that a pack cannot reproduce. */
export interface MessageDelta {
  readonly type: "message.delta";
  readonly message_id: string;
  readonly block: number;
  readonly kind: "reasoning" | "text" | "tool_input";
  readonly text: string;
  readonly seq: number;
  readonly thread_id: string;
}

/** A page of messages. */
export interface MessagePage {
  readonly data: readonly Message[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

/** An assistant's message begins, empty. Closed by exactly one `message.completed`. */
export interface MessageStarted {
  readonly type: "message.started";
  readonly message: Message;
  readonly seq: number;
  readonly thread_id: string;
}

/** The message is emptied; attempt `by_attempt` writes into it from here on. */
export interface MessageSuperseded {
  readonly type: "message.superseded";
  readonly message_id: string;
  readonly by_attempt: number;
  readonly seq: number;
  readonly thread_id: string;
}

/** What all nodes did in the minute that begins at `at`; `running` and its like are as of its last seconds. */
export interface MinuteDoings {
  readonly running: number;
  readonly queued: number;
  readonly waiting: number;
  readonly readers: number;
  readonly throughput: number;
  readonly started: number;
  readonly ended: Readonly<Record<string, number>>;
  readonly failures: Readonly<Record<string, number>>;
  readonly failures_by_provider: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly attempts_replaced: number;
  readonly tokens: Readonly<Record<string, number>>;
  readonly first_token_seconds: Quantiles;
  readonly tokens_per_second: Quantiles;
  readonly commit_seconds: Quantiles | null;
  readonly at: string;
}

/** A model that a send may name. `name` is what people call it; what is `hidden` stands in no menu. */
export interface Model {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly hidden: boolean;
  readonly object: "model";
}

/** The models that are known by name. A provider without a list takes any name after its slash. */
export interface ModelPage {
  readonly data: readonly Model[];
  readonly default: string;
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

/** The one tool that a model has to use. */
export interface NamedTool {
  readonly name: string;
}

/** What one node that lives is doing. */
export interface NodeDoings {
  readonly running: number;
  readonly queued: number;
  readonly waiting: number;
  readonly readers: number;
  readonly throughput: number;
  readonly started: number;
  readonly ended: Readonly<Record<string, number>>;
  readonly failures: Readonly<Record<string, number>>;
  readonly failures_by_provider: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly attempts_replaced: number;
  readonly tokens: Readonly<Record<string, number>>;
  readonly first_token_seconds: Quantiles;
  readonly tokens_per_second: Quantiles;
  readonly commit_seconds: Quantiles | null;
  readonly node_id: string;
}

/** A run that has not ended, as operators see it. `node_id` is who writes for it; None where nobody does. */
export interface OpenRun {
  readonly tenant_id: string;
  readonly run_id: string;
  readonly thread_id: string;
  readonly title: string | null;
  readonly end_user_id: string | null;
  readonly status: "cancelled" | "completed" | "expired" | "failed" | "queued" | "running" | "waiting";
  readonly model: string;
  readonly attempt: number;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly node_id: string | null;
}

/** What an agent asks of its model. What is None is left to the model. */
export interface Parameters {
  readonly max_output_tokens: number | null;
  readonly temperature: number | null;
}

/** What a call gave that the client has made: text or any JSON value. */
export interface PostResult {
  readonly tool_use_id: string;
  readonly output: Json;
  readonly is_error?: boolean;
}

/** Every error of the API. `pointer` (RFC 6901), `run_id` and `events_url` are there where they apply. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly retryable: boolean;
  readonly pointer?: string | null;
  readonly run_id?: string | null;
  readonly events_url?: string | null;
}

/** A part that only `provider` understands. `data` is its JSON text, byte for byte. */
export interface ProviderBlock {
  readonly type: "provider";
  readonly provider: string;
  readonly data: string;
}

/** A person's place in a team. An `owner` may change the agents that the team shares. */
export interface PutTeamMember {
  readonly role?: "member" | "owner";
}

/** Below what half, 95 and 99 of 100 values lie, made out from buckets; None where nothing was counted. */
export interface Quantiles {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly count: number;
}

/** What a model thought aloud. `signature` is its vendor's seal, byte for byte; `provider` says whose. */
export interface ReasoningBlock {
  readonly type: "reasoning";
  readonly text: string;
  readonly signature?: string | null;
  readonly provider?: string | null;
}

/**
 * What is to be different this time, and how the answer is to be delivered.
 *
 * `thread_id` names the thread where the message is an inherited one, of the thread that this one was forked from.
 */
export interface RegenerateMessage {
  readonly model?: string | null;
  readonly agent?: string | null;
  readonly instructions?: string | null;
  readonly max_output_tokens?: number | null;
  readonly temperature?: number | null;
  readonly on_busy?: "enqueue" | "interrupt" | "latest" | "merge" | "reject" | "rollback" | "steer" | null;
  readonly thread_id?: string | null;
  readonly stream?: boolean;
  readonly background?: boolean;
}

/**
 * A tool as the API shows it. `secret` is there once, in the answer that made it.
 *
 * An MCP server is one registration; `allow` names those of its tools that may be used, null is all of them.
 */
export interface Registration {
  readonly id: string;
  readonly object: "tool";
  readonly name: string;
  readonly kind: "client" | "mcp" | "webhook";
  readonly description: string;
  readonly input_schema: Readonly<Record<string, Json>> | null;
  readonly url: string | null;
  readonly approval: "always" | "never" | ApprovalRule;
  readonly idempotent: boolean;
  readonly timeout_seconds: number;
  readonly allow: readonly string[] | null;
  readonly header_names: readonly string[];
  readonly secret: string | null;
  readonly created_at: string;
  readonly updated_at: string;
}

/**
 * One answer being made, from queued to its one terminal state. `usage` is the last attempt's.
 *
 * `input` is the message while it waits for its turn; in the log and in rows it is None from then on, because the
 * message then stands in the thread. Answers of the API put it back in. `agent_version` is the version of its agent
 * that it uses, known from its first attempt on.
 *
 * `position` counts those that wait for their turn from 1, the next one; it is None for everybody else.
 * `answered_by` is the run that its question was handed to; it has no answer of its own then.
 */
export interface Run {
  readonly id: string;
  readonly object: "run";
  readonly thread_id: string;
  readonly status: "cancelled" | "completed" | "expired" | "failed" | "queued" | "running" | "waiting";
  readonly attempt: number;
  readonly attempts: readonly Attempt[];
  readonly model: string;
  readonly agent_id: string | null;
  readonly agent_version: number | null;
  readonly usage: Usage | null;
  readonly error: ErrorInfo | null;
  readonly input: Message | null;
  readonly input_message_id: string;
  readonly output_message_id: string | null;
  readonly position: number | null;
  readonly waiting_for: WaitingFor | null;
  readonly answered_by: string | null;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly ended_at: string | null;
}

/** Somebody stopped the run. */
export interface RunCancelled {
  readonly type: "run.cancelled";
  readonly run: Run;
  readonly seq: number;
  readonly thread_id: string;
}

/** The answer is whole. */
export interface RunCompleted {
  readonly type: "run.completed";
  readonly run: Run;
  readonly seq: number;
  readonly thread_id: string;
}

/** The run took longer than a run may take. */
export interface RunExpired {
  readonly type: "run.expired";
  readonly run: Run;
  readonly seq: number;
  readonly thread_id: string;
}

/** The run ended without a whole answer; `run.error` says why. */
export interface RunFailed {
  readonly type: "run.failed";
  readonly run: Run;
  readonly seq: number;
  readonly thread_id: string;
}

/** The runs that wait in a thread, the next one first: all of them. */
export interface RunPage {
  readonly data: readonly Run[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

/** A send was accepted and will be answered. */
export interface RunQueued {
  readonly type: "run.queued";
  readonly run: Run;
  readonly seq: number;
  readonly thread_id: string;
}

/** An attempt begins; `run.attempt` says which. */
export interface RunStarted {
  readonly type: "run.started";
  readonly run: Run;
  readonly seq: number;
  readonly thread_id: string;
}

/** The run waits for somebody outside. */
export interface RunWaiting {
  readonly type: "run.waiting";
  readonly run: Run;
  readonly seq: number;
  readonly thread_id: string;
}

/** A page of the runs that have not ended, oldest first. */
export interface RunsNow {
  readonly data: readonly OpenRun[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

/** A person has said something, or somebody has put it in. */
export interface Said {
  readonly type: "said";
  readonly seq: number;
  readonly message: Message;
}

/** A thread as one person sees it. `unread_count` is None where nobody in particular looks. */
export interface SeenThread {
  readonly id: string;
  readonly object: "thread";
  readonly end_user_id: string | null;
  readonly external_id: string | null;
  readonly title: string | null;
  readonly model: string | null;
  readonly instructions: string | null;
  readonly agent_id: string | null;
  readonly metadata: Readonly<Record<string, Json>>;
  readonly pinned: boolean;
  readonly archived: boolean;
  readonly on_busy: "enqueue" | "interrupt" | "latest" | "merge" | "reject" | "rollback" | "steer" | null;
  readonly on_disconnect: "cancel" | "continue" | null;
  readonly message_count: number;
  readonly seq: number;
  readonly active_run_id: string | null;
  readonly tip_message_id: string | null;
  readonly forked_from: ForkPoint | null;
  readonly created_at: string;
  readonly last_activity_at: string;
  readonly unread_count: number | null;
}

/** A message, and how its answer is to be delivered. */
export interface SendMessage {
  readonly content: string | readonly (TextBlock | ImageBlock | FileBlock | ReasoningBlock | ToolUseBlock | ToolResultBlock | ProviderBlock)[];
  readonly model?: string | null;
  readonly agent?: string | null;
  readonly end_user_id?: string | null;
  readonly instructions?: string | null;
  readonly stream?: boolean;
  readonly background?: boolean;
  readonly respond?: boolean;
  readonly role?: "assistant" | "system" | "user";
  readonly on_busy?: "enqueue" | "interrupt" | "latest" | "merge" | "reject" | "rollback" | "steer" | null;
  readonly on_disconnect?: "cancel" | "continue" | null;
  readonly parent_id?: string | null;
  readonly edit_of?: string | null;
  readonly max_output_tokens?: number | null;
  readonly temperature?: number | null;
  readonly tools?: readonly string[] | null;
  readonly tools_mode?: "dynamic" | "explicit" | "tenant" | null;
  readonly tool_choice?: "auto" | "none" | "required" | NamedTool | null;
  readonly metadata?: Readonly<Record<string, Json>> | null;
}

/**
 * What a send became: the first run that answers it, and all of them, in the order in which they answer.
 *
 * `reply` and `replies` are there when the answers were waited for: the first run's, and those of all that have one.
 */
export interface Sent {
  readonly message: Message;
  readonly run: Run | null;
  readonly reply: Message | null;
  readonly runs: readonly Run[];
  readonly replies: readonly Message[];
}

/** A shared page. `url` is there in the answer that makes it, and never again. */
export interface Share {
  readonly id: string;
  readonly object: "share";
  readonly thread_id: string;
  readonly message_id: string;
  readonly url: string | null;
  readonly created_at: string;
  readonly expires_at: string;
  readonly revoked_at: string | null;
}

/** All shared pages of a thread. */
export interface SharePage {
  readonly data: readonly Share[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

/** The place of a message among those that have the same parent: "2 of 3". Counts from 1. */
export interface Siblings {
  readonly position: number;
  readonly count: number;
}

/** Who is asking. A browser's session is its person; `may_be` is what it may ask as with X-Threadline-Role. */
export interface SignedIn {
  readonly object: "session";
  readonly tenant: string;
  readonly end_user_id: string | null;
  readonly role: "admin" | "end_user" | "operator" | "server";
  readonly may_be: "admin" | "end_user" | "operator" | "server";
  readonly expires_at: string | null;
}

/** What one attempt has cost in US dollars, a decimal; None where that is not known. */
export interface Spent {
  readonly attempt: number;
  readonly cost_usd: string | null;
}

/** The fold of the log up to `seq`. `events?after=seq` goes on from there without a gap; a room has `members`. */
export interface State {
  readonly thread: Thread;
  readonly messages: readonly Message[];
  readonly runs: readonly Run[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
  readonly seq: number;
  readonly members?: readonly Member[];
}

/** What the runs of an audit come to. Of `attempts` so many are `known`; `cost_usd` is of those with a price. */
export interface Sums {
  readonly runs: number;
  readonly attempts: number;
  readonly known: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cost_usd: string | null;
  readonly tool_calls: number;
  readonly failed_tool_calls: number;
}

/** People of one tenant who share agents. */
export interface Team {
  readonly id: string;
  readonly object: "team";
  readonly name: string;
  readonly metadata: Readonly<Record<string, Json>>;
  readonly created_at: string;
}

/** A person in a team. An `owner` may change the agents that the team shares; members are managed with keys. */
export interface TeamMember {
  readonly object: "team_member";
  readonly team_id: string;
  readonly end_user_id: string;
  readonly role: "member" | "owner";
  readonly created_at: string;
}

/** A page of the people of a team. */
export interface TeamMemberPage {
  readonly data: readonly TeamMember[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

/** A page of teams, oldest first. */
export interface TeamPage {
  readonly data: readonly Team[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

/** The tenants that one may see. */
export interface TenantPage {
  readonly data: readonly TenantRow[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

/** A customer of the installation. */
export interface TenantRow {
  readonly id: string;
  readonly name: string;
  readonly created_at: string;
}

/** Plain or Markdown text. */
export interface TextBlock {
  readonly type: "text";
  readonly text: string;
}

/**
 * A conversation. `seq` is that of its last event; `message_count` counts people's and assistants' messages.
 *
 * `tip_message_id` is the last message of the active branch: the branch is what leads from there to the beginning.
 * `on_busy` and `on_disconnect` are for sends that do not say it themselves.
 */
export interface Thread {
  readonly id: string;
  readonly object: "thread";
  readonly end_user_id: string | null;
  readonly external_id: string | null;
  readonly title: string | null;
  readonly model: string | null;
  readonly instructions: string | null;
  readonly agent_id: string | null;
  readonly metadata: Readonly<Record<string, Json>>;
  readonly pinned: boolean;
  readonly archived: boolean;
  readonly on_busy: "enqueue" | "interrupt" | "latest" | "merge" | "reject" | "rollback" | "steer" | null;
  readonly on_disconnect: "cancel" | "continue" | null;
  readonly message_count: number;
  readonly seq: number;
  readonly active_run_id: string | null;
  readonly tip_message_id: string | null;
  readonly forked_from: ForkPoint | null;
  readonly created_at: string;
  readonly last_activity_at: string;
}

/** The thread's first event, always seq 1. */
export interface ThreadCreated {
  readonly type: "thread.created";
  readonly thread: Thread;
  readonly seq: number;
  readonly thread_id: string;
}

/** The thread's last event. */
export interface ThreadDeleted {
  readonly type: "thread.deleted";
  readonly thread: Partial<Thread>;
  readonly seq: number;
  readonly thread_id: string;
}

/** A page of threads: pinned first, then latest activity. */
export interface ThreadPage {
  readonly data: readonly SeenThread[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

/** Somebody changed the thread. `thread` has the changed fields only. */
export interface ThreadUpdated {
  readonly type: "thread.updated";
  readonly thread: Partial<Thread>;
  readonly seq: number;
  readonly thread_id: string;
}

/**
 * One call.
 *
 * `id` is handed to the tool as its idempotency key, the same on every try; `attempt` counts those. `seq` is that of
 * `tool.requested`; `block` and `result_block` are where request and outcome stand in the message. `kind` says where
 * the tool comes from; None for a name that means nothing. `decided_by` is who approved or refused.
 */
export interface ToolCall {
  readonly id: string;
  readonly object: "tool_call";
  readonly thread_id: string;
  readonly run_id: string;
  readonly message_id: string;
  readonly tool_use_id: string;
  readonly seq: number;
  readonly round: number;
  readonly block: number;
  readonly result_block: number;
  readonly name: string;
  readonly kind: string | null;
  readonly input: Json;
  readonly output: Json;
  readonly is_error: boolean | null;
  readonly status: "approved" | "cancelled" | "failed" | "requested" | "running" | "succeeded";
  readonly attempt: number;
  readonly needs_approval: boolean;
  readonly is_approved: boolean | null;
  readonly decided_by: Author | null;
  readonly decided_at: string | null;
  readonly reason: string | null;
  readonly requested_at: string;
  readonly started_at: string | null;
  readonly ended_at: string | null;
}

/** A page of tool calls in the order of their requests. */
export interface ToolCallPage {
  readonly data: readonly ToolCall[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

/** The tool's outcome, errors included; it is block `block` of the message. */
export interface ToolCompleted {
  readonly type: "tool.completed";
  readonly tool_use_id: string;
  readonly name: string;
  readonly output: Json;
  readonly is_error: boolean;
  readonly block: number;
  readonly message_id: string;
  readonly run_id: string;
  readonly seq: number;
  readonly thread_id: string;
}

/** The tenant's tools by name, and those that the installation has for everybody. */
export interface ToolPage {
  readonly data: readonly Registration[];
  readonly installed: readonly Definition[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

/** The model asked for a tool; the request is block `block` of the message. */
export interface ToolRequested {
  readonly type: "tool.requested";
  readonly tool_use_id: string;
  readonly name: string;
  readonly input: Json;
  readonly block: number;
  readonly message_id: string;
  readonly run_id: string;
  readonly seq: number;
  readonly thread_id: string;
}

/** What the tool answered. `content` is text or any JSON value. */
export interface ToolResultBlock {
  readonly type: "tool_result";
  readonly tool_use_id: string;
  readonly content: Json;
  readonly is_error?: boolean;
}

/** The tool is being called. */
export interface ToolStarted {
  readonly type: "tool.started";
  readonly tool_use_id: string;
  readonly name: string;
  readonly input: Json;
  readonly message_id: string;
  readonly run_id: string;
  readonly seq: number;
  readonly thread_id: string;
}

/** A model asks for a tool. `input` is any JSON value. */
export interface ToolUseBlock {
  readonly type: "tool_use";
  readonly id: string;
  readonly name: string;
  readonly input: Json;
}

/** How far a person has read a thread, and how many messages of others come behind that. */
export interface Unread {
  readonly thread_id: string;
  readonly end_user_id: string;
  readonly seq: number;
  readonly unread_count: number;
}

/** What changes of an agent: its next version. A field that is not named stays; null empties it. */
export interface UpdateAgent {
  readonly handle?: string;
  readonly name?: string;
  readonly description?: string | null;
  readonly avatar?: string | null;
  readonly instructions?: string | null;
  readonly model?: string | null;
  readonly parameters?: AgentParameters;
  readonly tools?: readonly string[];
  readonly tools_mode?: "dynamic" | "explicit" | "tenant";
  readonly owner?: string | null;
  readonly visibility?: "private" | "public" | "team";
  readonly team_id?: string | null;
  readonly archived?: boolean;
  readonly metadata?: Readonly<Record<string, Json>>;
}

/** What changes of a member. A field that is not named stays; null empties it. */
export interface UpdateMember {
  readonly role?: "member" | "owner" | "viewer";
  readonly reply_policy?: "all" | "mention" | "none";
  readonly handle?: string | null;
  readonly name?: string | null;
}

/** What changes of a team. */
export interface UpdateTeam {
  readonly name?: string;
  readonly metadata?: Readonly<Record<string, Json>>;
}

/** What changes of a thread. A field that is not named stays; null empties it. */
export interface UpdateThread {
  readonly title?: string | null;
  readonly pinned?: boolean;
  readonly archived?: boolean;
  readonly model?: string | null;
  readonly instructions?: string | null;
  readonly agent_id?: string | null;
  readonly on_busy?: "enqueue" | "interrupt" | "latest" | "merge" | "reject" | "rollback" | "steer" | null;
  readonly on_disconnect?: "cancel" | "continue" | null;
  readonly tip_message_id?: string;
  readonly metadata?: Readonly<Record<string, Json>>;
}

/** What changes of a tool. `headers` replace all of them; `rotate_secret` makes a new secret for a webhook. */
export interface UpdateTool {
  readonly description?: string;
  readonly input_schema?: Readonly<Record<string, Json>>;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly approval?: "always" | "never" | ApprovalRule;
  readonly idempotent?: boolean;
  readonly timeout_seconds?: number;
  readonly allow?: readonly string[] | null;
  readonly rotate_secret?: boolean;
}

/** Bytes that live at an https address. */
export interface UrlSource {
  readonly type: "url";
  readonly url: string;
}

/** What one attempt cost, in tokens. What is not known is None, never 0. */
export interface Usage {
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly cached_input_tokens: number | null;
  readonly reasoning_tokens: number | null;
  readonly source: "estimated" | "provider";
}

/** One sum: of one value of what was asked by, and one model. `cost_usd` is None where a price is not known. */
export interface UsageLine {
  readonly key: string | null;
  readonly model: string;
  readonly attempts: number;
  readonly known: number;
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly cached_input_tokens: number | null;
  readonly reasoning_tokens: number | null;
  readonly cost_usd: string | null;
}

/** The sums from `since` up to `until`, which does not count. */
export interface UsagePage {
  readonly by: string;
  readonly since: string;
  readonly until: string;
  readonly data: readonly UsageLine[];
}

/** What a waiting run waits for: people who agree to calls, and clients that post results of calls. */
export interface WaitingFor {
  readonly approvals: readonly AskedCall[];
  readonly results: readonly AskedCall[];
  readonly expires_at: string | null;
}

/** Everything that can happen in a thread. */
export type ThreadlineEvent =
  | MemberAdded
  | MemberRemoved
  | MemberUpdated
  | MessageCompleted
  | MessageCreated
  | MessageDelta
  | MessageStarted
  | MessageSuperseded
  | RunCancelled
  | RunCompleted
  | RunExpired
  | RunFailed
  | RunQueued
  | RunStarted
  | RunWaiting
  | ThreadCreated
  | ThreadDeleted
  | ThreadUpdated
  | ToolCompleted
  | ToolRequested
  | ToolStarted;

/** What may be asked of a server: `METHOD /path`. */
export interface Operations {
  "GET /v1/admin/live": {
    readonly query: { readonly minutes?: number; readonly history?: number };
    readonly body: undefined;
    readonly answer: Live;
  };
  "GET /v1/admin/runs": {
    readonly query: { readonly limit?: number; readonly cursor?: string | null };
    readonly body: undefined;
    readonly answer: RunsNow;
  };
  "GET /v1/admin/tenants": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: undefined;
    readonly answer: TenantPage;
  };
  "GET /v1/admin/threads": {
    readonly query: { readonly tenant?: string | null; readonly end_user_id?: string | null; readonly state?: "running" | "waiting" | "failed" | null; readonly q?: string | null; readonly limit?: number; readonly cursor?: string | null };
    readonly body: undefined;
    readonly answer: ThreadPage;
  };
  "GET /v1/admin/usage": {
    readonly query: { readonly by?: "tenant" | "end_user" | "model" | "day"; readonly since?: string | null; readonly until?: string | null; readonly tenant?: string | null; readonly end_user_id?: string | null; readonly model?: string | null };
    readonly body: undefined;
    readonly answer: UsagePage;
  };
  "POST /v1/agents": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: CreateAgent;
    readonly answer: Agent;
  };
  "GET /v1/agents": {
    readonly query: { readonly archived?: boolean | null; readonly limit?: number; readonly cursor?: string | null };
    readonly body: undefined;
    readonly answer: AgentPage;
  };
  "GET /v1/agents/{agent_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: undefined;
    readonly answer: Agent;
  };
  "PATCH /v1/agents/{agent_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: UpdateAgent;
    readonly answer: Agent;
  };
  "DELETE /v1/agents/{agent_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: undefined;
    readonly answer: undefined;
  };
  "GET /v1/agents/{agent_id}/versions": {
    readonly query: { readonly limit?: number; readonly cursor?: string | null };
    readonly body: undefined;
    readonly answer: AgentPage;
  };
  "POST /v1/files": {
    readonly query: { readonly name?: string | null; readonly end_user_id?: string | null };
    readonly body: undefined;
    readonly answer: File;
  };
  "GET /v1/files": {
    readonly query: { readonly thread_id?: string | null; readonly end_user_id?: string | null; readonly limit?: number; readonly cursor?: string | null };
    readonly body: undefined;
    readonly answer: FilePage;
  };
  "DELETE /v1/files/{file_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: undefined;
    readonly answer: undefined;
  };
  "GET /v1/files/{file_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: undefined;
    readonly answer: File;
  };
  "GET /v1/files/{file_id}/content": {
    readonly query: { readonly link?: string | null };
    readonly body: undefined;
    readonly answer: Json;
  };
  "POST /v1/files/{file_id}/link": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: CreateLink;
    readonly answer: FileLink;
  };
  "GET /v1/keys": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: undefined;
    readonly answer: KeyPage;
  };
  "POST /v1/keys": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: CreateKey;
    readonly answer: Key;
  };
  "DELETE /v1/keys/{key_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: undefined;
    readonly answer: undefined;
  };
  "POST /v1/messages/{message_id}/regenerate": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: RegenerateMessage;
    readonly answer: Sent;
  };
  "GET /v1/models": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: undefined;
    readonly answer: ModelPage;
  };
  "GET /v1/runs/{run_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: undefined;
    readonly answer: Run;
  };
  "PATCH /v1/runs/{run_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: ChangeRun;
    readonly answer: Run;
  };
  "POST /v1/runs/{run_id}/approvals": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: DecideCall;
    readonly answer: Run;
  };
  "POST /v1/runs/{run_id}/cancel": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: CancelRun;
    readonly answer: Run;
  };
  "GET /v1/runs/{run_id}/events": {
    readonly query: { readonly after?: string | null };
    readonly body: undefined;
    readonly answer: Json;
  };
  "POST /v1/runs/{run_id}/tool_results": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: PostResult;
    readonly answer: Run;
  };
  "GET /v1/session": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: undefined;
    readonly answer: SignedIn;
  };
  "DELETE /v1/session": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: undefined;
    readonly answer: undefined;
  };
  "GET /v1/stream": {
    readonly query: { readonly threads?: string | null; readonly end_user_id?: string | null; readonly archived?: boolean | null; readonly limit?: number };
    readonly body: undefined;
    readonly answer: Json;
  };
  "POST /v1/teams": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: CreateTeam;
    readonly answer: Team;
  };
  "GET /v1/teams": {
    readonly query: { readonly limit?: number; readonly cursor?: string | null };
    readonly body: undefined;
    readonly answer: TeamPage;
  };
  "GET /v1/teams/{team_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: undefined;
    readonly answer: Team;
  };
  "PATCH /v1/teams/{team_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: UpdateTeam;
    readonly answer: Team;
  };
  "DELETE /v1/teams/{team_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: undefined;
    readonly answer: undefined;
  };
  "GET /v1/teams/{team_id}/members": {
    readonly query: { readonly limit?: number; readonly cursor?: string | null };
    readonly body: undefined;
    readonly answer: TeamMemberPage;
  };
  "PUT /v1/teams/{team_id}/members/{end_user_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: PutTeamMember;
    readonly answer: TeamMember;
  };
  "DELETE /v1/teams/{team_id}/members/{end_user_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: undefined;
    readonly answer: undefined;
  };
  "POST /v1/threads": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: CreateThread;
    readonly answer: Thread;
  };
  "GET /v1/threads": {
    readonly query: { readonly end_user_id?: string | null; readonly archived?: boolean | null; readonly q?: string | null; readonly limit?: number; readonly cursor?: string | null };
    readonly body: undefined;
    readonly answer: ThreadPage;
  };
  "GET /v1/threads/{thread_id}": {
    readonly query: { readonly end_user_id?: string | null };
    readonly body: undefined;
    readonly answer: SeenThread;
  };
  "PATCH /v1/threads/{thread_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: UpdateThread;
    readonly answer: Thread;
  };
  "DELETE /v1/threads/{thread_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: undefined;
    readonly answer: undefined;
  };
  "GET /v1/threads/{thread_id}/audit": {
    readonly query: { readonly limit?: number; readonly cursor?: string | null };
    readonly body: undefined;
    readonly answer: Audit;
  };
  "GET /v1/threads/{thread_id}/branches": {
    readonly query: { readonly limit?: number; readonly cursor?: string | null };
    readonly body: undefined;
    readonly answer: BranchPage;
  };
  "GET /v1/threads/{thread_id}/events": {
    readonly query: { readonly after?: string | null };
    readonly body: undefined;
    readonly answer: Json;
  };
  "POST /v1/threads/{thread_id}/fork": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: ForkThread;
    readonly answer: Thread;
  };
  "POST /v1/threads/{thread_id}/members": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: AddMember;
    readonly answer: Member;
  };
  "GET /v1/threads/{thread_id}/members": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: undefined;
    readonly answer: MemberPage;
  };
  "PATCH /v1/threads/{thread_id}/members/{member_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: UpdateMember;
    readonly answer: Member;
  };
  "DELETE /v1/threads/{thread_id}/members/{member_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: undefined;
    readonly answer: undefined;
  };
  "POST /v1/threads/{thread_id}/messages": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: SendMessage;
    readonly answer: Sent;
  };
  "GET /v1/threads/{thread_id}/messages": {
    readonly query: { readonly limit?: number; readonly order?: "desc" | "asc"; readonly leaf?: string | null; readonly cursor?: string | null; readonly view?: "user" | "audit" | null };
    readonly body: undefined;
    readonly answer: MessagePage;
  };
  "GET /v1/threads/{thread_id}/queue": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: undefined;
    readonly answer: RunPage;
  };
  "PUT /v1/threads/{thread_id}/read": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: MarkRead;
    readonly answer: Unread;
  };
  "POST /v1/threads/{thread_id}/share": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: CreateShare;
    readonly answer: Share;
  };
  "GET /v1/threads/{thread_id}/shares": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: undefined;
    readonly answer: SharePage;
  };
  "DELETE /v1/threads/{thread_id}/shares/{share_id}": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: undefined;
    readonly answer: undefined;
  };
  "GET /v1/threads/{thread_id}/state": {
    readonly query: { readonly limit?: number; readonly view?: "user" | "audit" | null };
    readonly body: undefined;
    readonly answer: State;
  };
  "GET /v1/threads/{thread_id}/tool_calls": {
    readonly query: { readonly run_id?: string | null; readonly name?: string | null; readonly is_error?: boolean | null; readonly status?: "requested" | "approved" | "running" | "succeeded" | "failed" | "cancelled" | null; readonly since?: string | null; readonly until?: string | null; readonly limit?: number; readonly cursor?: string | null };
    readonly body: undefined;
    readonly answer: ToolCallPage;
  };
  "POST /v1/tokens": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: CreateToken;
    readonly answer: IssuedToken;
  };
  "GET /v1/tools": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: undefined;
    readonly answer: ToolPage;
  };
  "POST /v1/tools": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: CreateTool;
    readonly answer: Registration;
  };
  "GET /v1/tools/{tool}": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: undefined;
    readonly answer: Registration;
  };
  "PATCH /v1/tools/{tool}": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: UpdateTool;
    readonly answer: Registration;
  };
  "DELETE /v1/tools/{tool}": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: undefined;
    readonly answer: undefined;
  };
  "GET /v1/tools/{tool}/definitions": {
    readonly query: Readonly<Record<string, never>>;
    readonly body: undefined;
    readonly answer: DefinitionPage;
  };
}
