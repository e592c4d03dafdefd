"""Crashes: a real server whose plug is pulled, again and again, while people send and read."""
