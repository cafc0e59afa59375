"""Measurements of certsvc, each beside the limit of what its database can do: `make bench`."""
