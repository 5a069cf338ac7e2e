"""One OpenAPI document of what is served now, by the project and by services, and the pages that show it.

operations.py   the operations of a document
references.py   references between its parts
alignment.py    pairs schemas of a moved operation with the project's
names.py        names components, and renames where two of one name differ
merge.py        merges documents into one
serving.py      which operations a snapshot serves
paths.py        the paths of document and pages
published.py    the document of the snapshot in force
pages.py        the pages, as an ASGI application
assets.py       the files of Swagger UI and Redoc

All but the last three are pure.
"""
