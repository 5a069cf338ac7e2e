"""What monitoring wraps is what is called: entry points in this process, and agents from PyPI in real servers."""
