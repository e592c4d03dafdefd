"""Three people and two agents in one room, and a server that dies in the middle of a tool call."""
