"""What the workbench knows of Django REST framework: the only room of it that imports that.

fields.py   a serializer's field as the text of a Pydantic model's;   validators.py  its validators
models.py   a serializer, with those that are nested in it, as Pydantic models
contract/   a view, beside the endpoint that stands for it
"""
