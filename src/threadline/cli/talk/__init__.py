"""What `threadline chat` is made of: the prompt, the conversation, one answer being followed, and what is shown of it.

Everything here speaks with the server through the SDK, as any other client would.
"""
