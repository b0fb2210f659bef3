"""Transport: what carries a client's bytes. It never sees a message."""
