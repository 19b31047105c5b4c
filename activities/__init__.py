"""Side effects of the workflows."""
