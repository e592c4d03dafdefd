"""The truth on disk: the only room that speaks SQL."""
