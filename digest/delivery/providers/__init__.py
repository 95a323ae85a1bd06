"""Providers: the port, and the adapters that ship with Digest."""
