"""Insights: what happened, and why."""
