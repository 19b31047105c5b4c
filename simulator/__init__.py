"""A stand-in for Meta, reached over HTTP only."""
