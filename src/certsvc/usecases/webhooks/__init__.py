"""Webhooks: who is told, what goes out to whom, and what became of it."""
