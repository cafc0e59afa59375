"""`bulk-recertify`: 100,000 learners recertified by one bulk operation, beside a script by hand."""
