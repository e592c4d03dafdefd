"""A person's whole sidebar as one stream: every thread as it changes, and some of them word for word."""
