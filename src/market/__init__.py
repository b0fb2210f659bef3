"""Market: trades to bars, by exact arithmetic and exchange calendars. It never sees a client or a message."""
