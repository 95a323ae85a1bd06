"""Migrations: how a database of any released version becomes one of this version."""

REVISIONS = (
    "0001",
    "0002",
    "0003",
    "0004",
    "0005",
    "0006",
    "0007",
    "0008",
    "0009",
    "0010",
    "0011",
    "0012",
    "0013",
    "0014",
    "0015",
    "0016",
    "0017",
    "0019",
    "0020",
    "0021",
    "0023",
    "0024",
)
"""Every revision there has been, in their order (a test compares them with the files)."""

HEAD = REVISIONS[-1]
