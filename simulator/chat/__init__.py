"""The simulator's pages: its conversations, and writing in them as a customer by hand."""
