"""Every bound that nobody may pass, with its unit and its reason.

What an operator may change is a setting (`settings.py`). What stands here protects the process itself, or a promise
that clients rely on, and is the same in every installation.
"""

from typing import Final

# --- from outside: the size of what may be sent ---

REQUEST_BODY_BYTES_MAX: Final = 8 * 1024 * 1024
"""One request. Room for a few images in base64; files have a route of their own."""

CONTENT_TEXT_CHARS_MAX: Final = 1_000_000
"""The text of one block: more than any model reads, less than what stalls a page."""

CONTENT_BLOCKS_MAX: Final = 256
"""Blocks in one message."""

INSTRUCTIONS_CHARS_MAX: Final = 200_000
"""A system prompt. The longest seen in public are around 60,000 characters."""

METADATA_BYTES_MAX: Final = 16 * 1024
"""Metadata is for finding things again, not for storing them; it is repeated in every page of history."""

TITLE_CHARS_MAX: Final = 500
NAME_CHARS_MAX: Final = 200
MODEL_CHARS_MAX: Final = 200
"""One line in a list; more would break every front end."""

HANDLE_CHARS_MAX: Final = 64
"""An agent's name in a text, behind an @."""

DESCRIPTION_CHARS_MAX: Final = 2000
"""What an agent is for, in a list of agents."""

AVATAR_CHARS_MAX: Final = 2048
"""An address or an emoji; pictures are files."""

ROOM_MEMBERS_MAX: Final = 200
"""People and agents in one thread: who takes part is read with every message that somebody sends there."""

MENTIONS_MAX: Final = 20
"""Those who are called in one message; more is a list of names."""

AGENT_CALLS_MAX: Final = 8
"""Answers that agents may get from each other for one message of a person: each is paid for, and no person asked."""

AGENT_PAIR_CALLS_MAX: Final = 4
"""The same between any two of them, in both directions: enough to ask back once."""

AGENT_TOOLS_MAX: Final = 200
"""Tools named by one agent. More than a model can choose between; `tools_mode` has other ways."""

END_USER_ID_CHARS_MAX: Final = 256
EXTERNAL_ID_CHARS_MAX: Final = 256
IDEMPOTENCY_KEY_CHARS_MAX: Final = 256
"""Ids of other systems: UUIDs, emails and URLs fit; they stand in indexes, so they may not grow."""

JSON_DEPTH_MAX: Final = 64
"""Nesting in metadata and tool inputs. Recursive readers on the other side have to survive it too."""

JSON_VALUES_MAX: Final = 100_000
"""Values and names in one body. Each is looked at, and eight megabytes of zeros would keep everybody else waiting for
seconds; what a client says for people or models has a few thousand."""

PAGE_SIZE_MAX: Final = 200
"""Part of the contract: `limit` is 1 to 200."""

QUERY_CHARS_MAX: Final = 1024
"""A search text, a cursor or a token in the address."""

CURSOR_SEQ_MAX: Final = 2**53 - 1
"""The largest integer that JavaScript keeps exact: a client could not hold a larger seq."""

TOKEN_SECONDS_MAX: Final = 30 * 24 * 3600
"""An end-user token lives in a browser; a month is already generous."""

SESSION_SECONDS: Final = 30 * 24 * 3600
"""For how long a browser stays signed in: a month, as with tokens; then the key or a link is asked for again."""

SIGN_IN_LINK_SECONDS: Final = 3600
"""How long a sign-in link may lie about unused: it is printed where a terminal or a log keeps it."""

SIGN_IN_FAILURES_PER_SECOND: Final = 0.5
SIGN_IN_FAILURES_BURST: Final = 30
"""Failed attempts to sign in from one address: an office behind one of them mistypes less often, and a program that
tries is slowed down to 43,000 a day, of 2^256."""

SIGN_IN_FAILURES_ALL_PER_SECOND: Final = 20
SIGN_IN_FAILURES_ALL_BURST: Final = 400
"""The same from everywhere, on one node: each is a look into the store, and a link's is a commit."""

SIGN_IN_FORM_BYTES_MAX: Final = 16 * 1024
"""A key, a name and an address of ours, all of it escaped. Anybody may send it, so it is taken apart in no time."""

SIGN_IN_PLACES: Final = 4096
"""Addresses that are told apart; beyond it they share places. About 1 MB when all are in use."""

SHARE_SECONDS_DEFAULT: Final = 30 * 24 * 3600
SHARE_SECONDS_MAX: Final = 366 * 24 * 3600
"""How long a shared page can be read where nobody says otherwise, and at most: nobody remembers it for longer."""

SHARES_PER_THREAD_MAX: Final = 100
"""Addresses of one thread, revoked ones too. Beyond it somebody makes them by a program."""

TOKEN_THREADS_MAX: Final = 100
"""Threads named in one end-user token: it has to fit into a header of 16 kB."""

FORKS_DEEP_MAX: Final = 50
"""A fork of a fork of a fork …: each is a thread whose messages cannot be swept while the last one is there."""

# --- inside: what may pile up ---

QUEUED_RUNS_PER_THREAD_MAX: Final = 100
"""Sends that wait for their turn in one thread. Beyond it a client is in a loop, not in a conversation."""

MERGED_BYTES_MAX: Final = 256 * 1024
"""A question that waits and takes others in (`on_busy: merge`), in JSON. Each of them writes the whole into the log
once more; one that is longer waits beside it."""

PENDING_DELTA_BYTES_PER_RUN_MAX: Final = 256 * 1024
"""What one run may have read from its provider and not yet committed. Over it the run stops reading."""

WINDOW_BYTES_MAX: Final = 1024 * 1024
"""Committed events kept in memory for one live thread. About 8,000 tokens: a reload in mid-answer reads no disk."""

WINDOW_BYTES_TOTAL_MAX: Final = 256 * 1024 * 1024
"""The same over all threads of a process."""

LOG_PAGE_EVENTS: Final = 1000
"""Events that one read of the store returns. A backlog is replayed in pages, so memory does not follow its length."""

LOG_PAGE_BYTES: Final = 256 * 1024
"""The same in bytes of whole events, and one event more: a message may have a million characters, and a reader that
does not read holds its page for as long as it may stall."""

SSE_JOIN_BYTES_MAX: Final = 64 * 1024
"""Frames joined into one write. One high-water mark of the socket: larger writes only grow buffers."""

DELTA_ROWS_BEHIND_MAX: Final = 500_000
"""How far an unfinished attempt may hold back the pruning of the delta table before it is packed in part: 60 MB."""

PROMPT_MESSAGES_MAX: Final = 2000
"""Messages read into one prompt, the newest ones. The largest context windows hold about as many short turns."""

PROVIDER_LINE_BYTES_MAX: Final = 4 * 1024 * 1024
"""One line of a provider's stream. An endless line is a broken provider, not a long answer."""

ANSWER_CHARS_MAX: Final = 4_000_000
"""One answer. Ten times the longest output that a model of today gives."""

PROVIDER_ERROR_BYTES_MAX: Final = 64 * 1024
"""How much of a provider's error body is read: it becomes one sentence."""

TOOL_OUTPUT_BYTES_MAX: Final = 64 * 1024
"""One tool's output in a history: about 16,000 tokens. What a tool has more to say is cut, and the model is told so."""

TOOL_THREADS_MAX: Final = 64
"""Blocking tools that run at a time in one process. One that hangs for ever keeps its thread for ever."""

TOOL_RESPONSE_BYTES_MAX: Final = 1024 * 1024
"""What is read of a tool's answer over the network. More is not needed to cut it to what a history may hold."""

TOOL_HOSTS_OPEN_MAX: Final = 256
"""Hosts to which connections are kept open for the next call."""

TOOL_URL_CHARS_MAX: Final = 2048
TOOL_DESCRIPTION_CHARS_MAX: Final = 8000
TOOL_SCHEMA_BYTES_MAX: Final = 32 * 1024
"""What a model is told of one tool, on every round: all of it costs tokens."""

TOOL_SCHEMAS_KEPT: Final = 2048
"""Compiled schemas in one process: as many tools as are called in turn, at some kilobytes each."""

SCHEMA_WORK_MAX: Final = 5_000_000
"""How often the values of one input may be looked at to hold it against its schema: a tenth of a second. What may be
more is not done at all, since nothing else is done meanwhile."""

SCHEMA_WORDS_WORK_MAX: Final = 5_000
"""The same, where every mistake is also told in words: a thousand times the work."""

SCHEMA_DEPTH_USUAL: Final = 4
"""Nesting of an input by which a schema is judged before it is stored."""

TOOL_HEADERS_MAX: Final = 32
TOOL_HEADER_CHARS_MAX: Final = 4096
"""Headers that go along with every request of a tool: a credential or two."""

TOOLS_PER_TENANT_MAX: Final = 1000
TOOLS_PER_SEND_MAX: Final = 128
"""Registered tools of one tenant, and those that a model is shown: vendors take no more. Over it there is `dynamic`."""

TOOLS_FOUND_DEFAULT: Final = 10
TOOLS_FOUND_MAX: Final = 50
"""What one search for tools returns: names and a line each, which the model reads on every round from then on."""

TOOL_QUERY_WORDS_MAX: Final = 32
TOOL_SEARCHED_CHARS_MAX: Final = 2000
"""Words of one search, and how much of each description they are looked for in: a tenant may have a thousand tools."""

TOOL_SECONDS_MAX: Final = 600.0
"""How long any call may take. Who works for longer says so at once, and is asked again later."""

TOOL_CONNECT_SECONDS: Final = 10.0
"""For a tool's server to take a connection."""

WEBHOOK_RETRY_SECONDS: Final = (0.5, 2.0)
"""Pauses before an idempotent webhook is tried again: a restart of its server takes about as long."""

MCP_CONNECT_SECONDS: Final = 20.0
"""For an MCP server to start or to be reached, and to greet. One that is fetched first (`npx`) takes that long."""

MCP_CLOSE_SECONDS: Final = 5.0
"""For a connection to end by itself. A program is asked, told and killed within that time."""

MCP_LIST_SECONDS: Final = 20.0
MCP_TOOLS_MAX: Final = 1000
"""For the whole list of a server's tools, and how much of it is read."""

MCP_PATIENCE_SECONDS: Final = 5.0
"""How long an answer waits for a list that it has never seen. Asking goes on; the next answer has it."""

MCP_REFRESH_SECONDS: Final = 300.0
"""How old a server's list may be, where it does not say that it has changed."""

MCP_AWAY_SECONDS: Final = 15.0
"""How long a server that did not answer is left alone: every round of every run would wait for it."""

MCP_SERVERS_OPEN_MAX: Final = 128
"""MCP servers to which one process keeps connections."""

MCP_SERVERS_PER_TENANT_MAX: Final = 50
"""Each of them is asked by an answer that may use all of its tenant's tools."""

MCP_RESPONSE_BYTES_MAX: Final = 8 * 1024 * 1024
"""What is read of one response of a tenant's server: a list of a thousand tools, or all that it says in one stream."""

MCP_CALL_SECONDS_MAX: Final = TOOL_SECONDS_MAX
"""How long a server may be silent in the middle of a call. The tool's own time ends it sooner."""

APPROVAL_CONDITIONS_MAX: Final = 32
"""Conditions in one rule: each is looked at on every call."""
APPROVAL_REASON_CHARS_MAX: Final = 2000
"""What a person says about a tool call; the model reads it."""

TOOL_CALLS_AT_ONCE: Final = 8
"""Calls of one answer that are made side by side. A model that asks for fifty at once gets them in turn."""

TOOL_OUTPUT_BYTES_PER_RUN_MAX: Final = 2_000_000
"""All that the tools of one answer may have said, in JSON. More than fits into a context window."""

TOOL_SECONDS_DEFAULT: Final = 30.0
"""How long a call may take where the tool says nothing else."""

# --- waiting ---

HEARTBEAT_SECONDS: Final = 15.0
"""A comment on every quiet stream. Proxies cut after 30 to 60 seconds of silence."""

READER_STALL_SECONDS: Final = 60.0
"""How long one write to a reader may block. Then the connection is cut; its cursor stays good for ever."""

REQUEST_HEAD_SECONDS: Final = 20.0
"""From accepting a connection to its first complete request head, and from the first byte of each later one to its
end: silent connections go away by themselves."""

KEEP_ALIVE_SECONDS: Final = 130
"""How long a connection without a request stays open: longer than clients and load balancers keep one for their next
request (httpx 5 seconds, aiohttp 15, nginx 60, Caddy 120). Were we the first to close, a request would be lost that is
on its way."""

CREDENTIALS_LOOK_SECONDS: Final = 15.0
"""How often a node looks whether the sessions and keys of its readers still hold: how late a stream of one that has
ended may be cut where the bus has lost the word of it."""

ATTENDANCE_SECONDS_MAX: Final = 10.0
"""How long a node may take to say that somebody reads an answer that does not go on without a reader."""

DELETE_BATCH_ROWS: Final = 1000
"""Rows removed in one transaction: a deletion may not make the writer late for the live streams."""

PROVIDER_POOL_IDLE_SECONDS: Final = 300.0
"""Warm connections to a provider are closed after five idle minutes."""

NODE_FORGOTTEN_SECONDS: Final = 7 * 24 * 3600
"""For how long a node that is silent is remembered, with what its last commit has become: longer than any machine is
suspended, and than any network keeps a packet."""

FIGURES_SECONDS: Final = 5.0
"""How often a node writes down what goes on, where something does: how old the figures of another node may be."""

FIGURES_MINUTES: Final = 60
"""For how long they are kept: a chart of the last hour. What lasts belongs into a system that scrapes `/metrics`."""

FIGURES_TENANTS_MAX: Final = 500
"""Tenants whose figures a node writes down at once. With more of them at work, the others come at the next time."""

# --- sockets ---

SOCKET_THREADS_MAX: Final = 100
"""Threads that one socket or one stream of many follows. Each is a task and may hold a page of its log."""

SOCKET_MESSAGE_BYTES_MAX: Final = REQUEST_BODY_BYTES_MAX
"""One message from a client over a socket: what a request may carry, since a send may come either way."""

SOCKET_BUFFER_BYTES_MAX: Final = 1024 * 1024
"""What a socket holds for a client that does not read: answers and presence, which wait for nobody, behind one page
of events. Beyond it the socket is cut."""

SOCKET_REQUESTS_PER_SECOND: Final = 50
"""Requests that one socket may make for long; a person typing makes one in a few seconds."""

SOCKET_REQUESTS_BURST: Final = 100
"""Requests that one socket may make at once: subscribing to a whole sidebar after a reconnect."""

WHISPER_BYTES_MAX: Final = 2_000
"""What one node says at once of who is in a thread. Escaped at its worst it is still one message of the bus."""

PRESENCE_STATUS_SECONDS: Final = 15.0
"""How often a node says again who is in its threads. What it does not say again, others forget."""

PRESENCE_LOST_SECONDS: Final = 40.0
"""After this long without a word from their node, people are taken for gone. Two words may be lost."""

TYPING_SECONDS: Final = 6
"""For how long a client may show somebody as typing without hearing of it again."""

WHISPERS_PER_SECOND: Final = 2
WHISPERS_BURST: Final = 10
"""Changes of presence and typing that one socket may tell of: each goes to every node and to every socket there."""

NAMED_THREADS_CHARS_MAX: Final = 8 * 1024
"""Threads with their cursors in one address: a hundred of them, and less than what servers take in a line."""

SIDEBAR_LOOK_SECONDS: Final = 60.0
"""How often a sidebar looks at its list by itself: how late it may be when the bus has lost a nudge."""

# --- files ---

FILE_CHUNK_BYTES: Final = 256 * 1024
"""What is read of a file at once: a quarter of a second at 8 Mbit/s, and little memory for many downloads."""

FILE_NAME_CHARS_MAX: Final = 255
"""A file's name, as file systems have them."""

INLINE_BYTES_MAX: Final = 64 * 1024
"""Base64 in a message beyond this is moved into a file: a page of history has up to 200 messages."""

PROMPT_FILE_BYTES_MAX: Final = 24 * 1024 * 1024
"""Files put into one prompt, the newest first. In base64 that is 32 MB, which is what vendors take in one request."""

UPLOAD_SECONDS_MAX: Final = 600.0
"""For one file to reach a vendor's store: 100 MB at 2 Mbit/s take seven minutes."""

UPLOAD_SWEEP_BATCH: Final = 20
"""Files deleted from vendors at once: each is a request."""

UPLOAD_RETRY_SECONDS: Final = 3600.0
"""When a vendor that did not delete a file is asked again."""

VENDOR_LINK_SECONDS: Final = 3600
"""For how long a vendor may fetch a file at our address: it does so before it answers, and again for a retry."""

FILE_LINK_SECONDS_MAX: Final = 24 * 3600
"""A link to a file works for whoever has it, so not for long."""

FILE_SWEEP_BATCH: Final = 100
"""Files removed at once: each is a call to the place where its bytes are."""

UPLOAD_SILENCE_SECONDS: Final = 30.0
"""How long a client that uploads may send nothing. The whole may take as long as it takes."""
