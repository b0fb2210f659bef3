"""Servers: what is measured. Each is a program that takes a control page, prints `port N` and serves until SIGTERM."""
