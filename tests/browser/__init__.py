"""The app in a real Chromium, against real servers."""
