"""What it means: pure functions over results, for those who steer and those who report."""
