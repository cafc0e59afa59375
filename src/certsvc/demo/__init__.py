"""The demo: real programmes lived through several years in a sandbox, over the HTTP interface."""
