"""The verbs: each over an open transaction, an instant and plain values; none commits."""
