"""Handlers: what each operation of the contract means. They never see a socket, a file or the environment."""
