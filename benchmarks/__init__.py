"""How fast and how light the harness is, measured beside its peers in one run: `python -m benchmarks`."""
