"""What each tier says: one file a tier, asked once a second by the sampler."""
