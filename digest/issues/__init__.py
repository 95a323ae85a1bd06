"""Issues: when one is due, what is in it, and how it comes to be sent."""
