"""Does the new answer equal the old one? Pure here: answers go in, differences come out.

answer.py       what one side answered
rules.py        `[routes.compare]`, compiled: what may differ
compare.py      two answers → a Comparison; headers.py, body.py and sql.py do its parts
fingerprint.py  what makes two differences the same one, whatever the identifiers
noise.py        which differences legacy has from itself
redact/         what has to go before anything is stored
"""
