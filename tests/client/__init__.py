"""Tests of the Python SDK: against real HTTP servers, which are scripted to misbehave."""
