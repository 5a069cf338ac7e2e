"""The text that `gateway scaffold` writes: a service's module, its route, and a contract test.

references.py  names of modules in generated text, resolved at the end;   literals.py  values as text
"""
