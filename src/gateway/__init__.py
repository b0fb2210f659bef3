"""Gateway: the edges and the wiring. It never decides what a message means."""
