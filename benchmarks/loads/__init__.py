"""The same work for each of the clients compared."""

ROWS = 1000
"""In the table of the point reads."""
