"""The business side as Meta keeps it: portfolios, WABAs, what a number stands at, tokens and codes."""
