"""Who steers: the target, the plan, and the course of a run."""
