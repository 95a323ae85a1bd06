"""The desk: pages of those who look after the newsletters, behind a sign-in."""
