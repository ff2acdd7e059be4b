"""The run of a tool: what it says on the console, where its results go."""
