"""A view of DRF's beside the endpoint that stands for it: `gateway contract`.

endpoint.py asks every rule. views.py (both views, made without a request)  source.py (what is read in a method)
policies.py users.py (who is let in)  lists.py (filters, pages)  options.py  lifted.py
A body: serializers.py rows.py (made to do without rows)  pairs.py declared.py (fields side by side)
        inputs.py readers.py reading.py (values, read by both)
An answer: answered.py (the service's models)  natives.py writing.py (values, written by both)
"""
