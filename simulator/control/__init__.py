"""The control API: how tests, commands and the bench move the world, apart from the Graph paths."""
