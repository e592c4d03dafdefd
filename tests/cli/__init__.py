"""Tests of the commands: real processes, real HTTP, and a real pseudo-terminal where somebody sits at one."""
