"""`sweep`: a tick over 100,000 due of 1,000,000 enrollments, beside set-based SQL by hand."""
