"""Rooms: a made-up protocol, its document, a server that keeps it, and faulty ones. It knows nothing of the tester."""
