"""Delivery: the plan, the ledger, the dispatch and the providers."""
