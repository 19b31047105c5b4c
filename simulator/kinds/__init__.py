"""What Graph takes of each kind of message that is sent, and what it refuses it for."""
