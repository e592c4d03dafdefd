"""The client for ordinary code: what blocks, blocks the calling thread. The twin of `nonblocking`, line for line.

Only what does I/O is here. A `Threadline` may be used from several threads; a stream belongs to one.
"""
