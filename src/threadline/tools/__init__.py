"""Foreign functions that a model may ask for."""
