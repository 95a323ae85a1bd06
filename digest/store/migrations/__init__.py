"""Migrations: how a database of any released version becomes one of this version."""

HEAD = "0002"
