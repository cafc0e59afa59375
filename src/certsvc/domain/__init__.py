"""What certsvc decides: the certification lifecycle, as plain values and pure functions."""
