"""The same scenario for each of the clients compared."""
