"""Writes the pages of docs/ that follow from the code, and says which of them are stale."""
