"""The section "Migration" of the Django admin: its pages, made of what the commands show, and moved by what they call.

section.py (the ModelAdmin)  pages.py (its views)  permissions.py  project.py (configuration, gateway of this process)
overview.py waiting.py (the board)  route_page.py steps.py moves.py recording.py (a route)  side_by_side.py settling.py
(differences)  endpoints.py inventory_cache.py explaining.py  chart.py (SVG)  polling.py (news)

`gateway.control.admin`, which Django's autodiscover finds, loads section.py by its name.
"""
