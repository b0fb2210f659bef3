"""Clients: what is generated for those who use the service, against servers real and fake."""
