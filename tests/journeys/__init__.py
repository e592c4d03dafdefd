"""Journeys: what a client can do and see, through HTTP only, against a real server process."""
