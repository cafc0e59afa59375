"""Bulk operations: one decision over many enrollments, each decided on what it finds."""
