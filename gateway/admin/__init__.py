"""The section "Migration" of the Django admin. Its pages and forms call the same functions as the commands.

section.py (the ModelAdmin)  pages.py (its views)  permissions.py  project.py (configuration, gateway of this process)
overview.py waiting.py progress.py (the first page)  route_page.py steps.py moves.py recording.py (a route)
side_by_side.py settling.py (differences)  endpoints.py inventory_cache.py (endpoints)  explaining.py (`explain`)
chart.py (SVG)  polling.py (updates of open pages)

`gateway.control.admin`, which Django's autodiscover finds, imports section.py by its name.
"""
