"""Digest: a newsletter digest builder that sends every subscriber their part of an issue, once."""

__version__ = "0.1.0"
