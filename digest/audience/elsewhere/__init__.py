"""Elsewhere: what other tools export of their subscribers, and how Digest reads it. Pure: text in, data out."""
