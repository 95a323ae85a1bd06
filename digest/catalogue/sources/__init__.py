"""Sources: the port, and the kinds that ship with Digest."""
