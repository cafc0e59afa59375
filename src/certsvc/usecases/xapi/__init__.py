"""xAPI: statements that a Learning Record Store forwards become evidence."""
