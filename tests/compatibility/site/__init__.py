"""The project that the packages are tried in: one table, one view, and the endpoint that takes the view's place."""
