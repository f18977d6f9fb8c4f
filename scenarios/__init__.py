"""What load: ordinary locustfiles, one workload each."""
