"""What `gateway scaffold` writes: the text of a service's module, its route, and a contract test.

references.py  names of modules in generated text, imported once all are known;   literals.py  values as text
"""
