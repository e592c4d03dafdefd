"""HTTP: parse, check access, call one engine verb or pull one tail."""
