"""The LMS's side of an integration with certsvc: what it tells, what it hears, what it orders."""
