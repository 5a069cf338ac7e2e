"""What changes for clients between the project's operation and the service's, by both OpenAPI documents.

rules.py        the rules, each with its severity
change.py       one change
schema.py       reads a schema
schemas.py      compares two schemas, in requests or in responses
operations.py   compares two operations
moved.py        the operations that routes claim, and all of their changes

All but the last are pure.
"""
