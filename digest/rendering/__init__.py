"""Rendering: templates compiled once, an issue rendered once, a message assembled for each subscriber."""
