"""Alert rules in Prometheus's own format, evaluated over a stored run: which would have fired, when.

A run without rules is read without any of the modules that parse and evaluate them.
"""
