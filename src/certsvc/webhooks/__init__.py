"""Webhooks on their way out: what a receiver sees, signed, sent to where it may go, and when again.

Nothing here knows of the database's transactions: a caller claims, sends, and settles.
"""
