"""Stores: where state is kept over a restart. It never knows what the state means."""
