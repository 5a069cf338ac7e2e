"""The results that the commands print, without the printing."""
