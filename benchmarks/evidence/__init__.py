"""`evidence`: batches of 1,000 facts over HTTP, beside a bare COPY and update of the same rows."""
