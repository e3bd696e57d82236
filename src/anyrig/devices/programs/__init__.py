"""Programs that devices run, and what they say."""
