"""Pages: what a person sees in a browser. They never see a market event: the live page is a client like any other."""

from gateway.pages.router import PageSymbol, create_pages

__all__ = ["PageSymbol", "create_pages"]
