"""The catalogue: articles, where they come from, and the order in which they arrived."""
