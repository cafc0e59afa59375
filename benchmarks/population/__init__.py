"""A million enrollments: lives decided by the rules themselves, multiplied, and loaded by COPY."""
