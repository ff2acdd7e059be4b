"""What a config may hold, key by key, value by value."""
