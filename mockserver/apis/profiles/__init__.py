"""Profiles: YAML files that say how an API behaves beyond its contract.

`model` is the file, `load` makes an Api of it, `costs` and `templates` are what its values mean, and `write` puts what
was inferred of a document into one.
"""
