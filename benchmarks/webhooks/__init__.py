"""`webhooks`: deliveries to a fast receiver, beside a bare loop of the same HTTP client."""
