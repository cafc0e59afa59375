"""Charts of reports. Whatever imports from here loads the plotting library."""
