"""The client for asyncio: what waits, is awaited. The twin of `blocking`, line for line.

Only what does I/O is here. An `AsyncThreadline` belongs to one event loop.
"""
