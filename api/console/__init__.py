"""The pages for people: server-rendered, readable without JavaScript, under one strict content policy."""
