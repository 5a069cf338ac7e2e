"""What other people's packages do, behind the gateway as for Django alone; `table.py` makes a page of it."""
