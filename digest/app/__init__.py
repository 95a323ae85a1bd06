"""The application: the only place where rooms are wired together, one module for each thing a person can ask for."""

from digest.app.wiring import App, open_app

__all__ = ["App", "open_app"]
