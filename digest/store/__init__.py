"""The store: tables, migrations, and the one way to open a database."""
