"""Facebook Login's place: an SDK, a popup and a redirect dialog, whose every ending a person or a test chooses."""
