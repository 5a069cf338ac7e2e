"""Compares two responses. Pure: responses go in, differences come out.

answer.py       a response, as it is compared
rules.py        `[routes.compare]`, compiled: what may differ
compare.py      two responses → a Comparison; headers.py, body.py, sql.py and written.py (rows) compare their parts
writing.py      the rows that a statement wrote; statement.py and sql_reader.py parse it
fingerprint.py  identifies a difference, independently of identifiers in URLs and bodies
noise.py        which differences legacy's responses have from each other
redact/         removes secrets and personal data before anything is stored
"""
