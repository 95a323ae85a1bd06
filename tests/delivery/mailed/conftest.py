"""Certificates, as the providers' tests have them."""

from __future__ import annotations

from tests.delivery.providers.conftest import certificate, server_tls, trusted

__all__ = ["certificate", "server_tls", "trusted"]
