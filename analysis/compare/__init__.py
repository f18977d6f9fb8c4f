"""Two sides held against each other, figure by figure, and what lies behind a change."""
