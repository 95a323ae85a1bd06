"""Engines: threads, sockets and transactions around the dispatch's step machine."""
