"""An OpenAPI document drafted from traffic: paths with their variables, parameters, bodies, statuses, security.

Every exchange that it was drafted from is valid by it. Must not know: files, how the traffic was recorded.
"""
