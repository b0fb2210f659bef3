"""Sources: where market events come from. They know clocks, files and calendars, never a client or a message."""
