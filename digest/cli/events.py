"""`digest events`: what is reported of mails after they were handed over."""

from __future__ import annotations

import typer

app = typer.Typer(help="What is reported of mails afterwards.", no_args_is_help=True)
