"""Compares a DRF view with the endpoint that replaces it: `gateway contract`.

endpoint.py applies every rule. views.py (both views, with a synthetic request)  source.py (analyses a method's source)
policies.py users.py (permissions)  lists.py (filters, pages)  options.py  lifted.py
Bodies: serializers.py rows.py (work without rows)  pairs.py declared.py (compare fields)
        inputs.py readers.py reading.py (values, read by both)
Responses: answered.py (the service's models)  natives.py writing.py (values, written by both)
"""
