"""Resources: kinds of rows with the operations that create, list, read, change and delete them.

`model` is what a resource is, `views` how a body shows its rows, `rows` how they are made, `behaviours` what the
operations do. What the resources of a document are is for `apis.inferred` to find, and for a profile to correct.
"""
