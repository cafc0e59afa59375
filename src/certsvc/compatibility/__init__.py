"""Tells changes of the contract that break its clients from those that do not."""
