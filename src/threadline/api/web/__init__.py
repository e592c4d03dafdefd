"""Pages for browsers: sign-in, the app with a thread in its first paint, shared threads. And who may call from one."""
