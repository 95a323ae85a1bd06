"""Checks: what must be right before an issue may go."""
