"""One OpenAPI document of what is served now, by the project and by services, and the pages that show it.

operations.py   the operations of a document
references.py   references between its parts
alignment.py    which components of a moved operation take the place of which of the project's
names.py        the names of components where several documents meet
merge.py        several documents, as one
serving.py      which operations a snapshot serves
published.py    the document of the snapshot in force
paths.py        where document and pages are
pages.py        the pages, as an ASGI application
assets.py       Swagger UI and Redoc, from drf-spectacular-sidecar

All but the last three are pure.
"""
