"""Support for Django REST framework in the workbench; no other package of it imports DRF.

fields.py   a serializer's field as the text of a Pydantic field;   validators.py  its validators
models.py   a serializer, with nested ones, as Pydantic models
contract/   compares a view with the endpoint that replaces it
"""
