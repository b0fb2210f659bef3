"""What the sources do, on virtual time."""
