// Every word of the app that is not somebody's, by the part that says it: one file, ready for other languages.

export const strings = {
  ui: {
    close: "Close",
    shortcuts: "Keyboard shortcuts",
    /** Keys with blanks between, and what they do. */
    keys: [
      ["Enter", "Send"],
      ["Shift Enter", "Break the line"],
      ["Ctrl Enter", "Send, also on a phone"],
      ["Esc", "Stop the answer"],
      ["↑", "Edit your last message, in an empty field"],
      ["@", "Mention somebody"],
      ["?", "Show these shortcuts, where nobody is writing"],
    ],
  },
  shell: {
    reconnecting: "Reconnecting…",
    nobody: "There is no network, and nobody has signed in on this device.",
    offline: "You are offline. What you send goes out when you are back.",
  },
  sidebar: {
    conversations: "Conversations",
    newThread: "New conversation",
    untitled: "Conversation",
    nothingYet: "No conversations yet.",
    signOut: "Sign out",
  },
  chat: {
    gone: "This conversation is gone, or is not yours to see.",
    older: "Show earlier messages",
    empty: "Say something to begin.",
    reasoning: "Reasoning",
    waits: "waits",
    sending: "is being sent",
    you: "You",
    assistant: "Assistant",
    asText: "Too deep to be set; this is its text.",
    leadsOut: "(opens another site)",
    picture: "Picture",
    done: "done",
    open: "open",
    copyCode: "Copy code",
    copied: "Copied",
  },
  composer: {
    write: "Write a message",
    send: "Send",
    queue: "Send next",
    stop: "Stop",
    hint: "Enter sends, Shift+Enter breaks the line.",
    charsLeft: (count: number) => `${count.toLocaleString()} characters left`,
    tooLong: (count: number) => `${count.toLocaleString()} characters too many`,
    welcome: "What would you like to talk about?",
  },
  room: { members: "Members" },
  // What its pages say is in strings.operator.ts, which is loaded with them.
  operator: { title: "Operator" },
} as const;
