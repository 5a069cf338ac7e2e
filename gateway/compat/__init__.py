"""Private names of other libraries: one file for each library."""
