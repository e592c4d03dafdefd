// Every word of the app that is not somebody's: one file, ready for others in other languages.

export const strings = {
  newThread: "New conversation",
  untitled: "Conversation",
  conversations: "Conversations",
  chooseOne: "Choose a conversation, or begin one.",
  nothingYet: "No conversations yet.",
  gone: "This conversation is gone, or is not yours to see.",
  write: "Write a message",
  send: "Send",
  stop: "Stop",
  older: "Show earlier messages",
  signOut: "Sign out",
  reconnecting: "Reconnecting…",
  offline: "You are offline. What you send goes out when you are back.",
  waits: "waits",
  sending: "is being sent",
  reasoning: "Reasoning",
} as const;
