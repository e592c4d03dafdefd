"""Who is asking, and for whom they may ask."""
