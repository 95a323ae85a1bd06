// Of the desk: what is nicer with a script, and works without.
