"""Editors: who may come to the desk, how long they stay, and what they did there."""
