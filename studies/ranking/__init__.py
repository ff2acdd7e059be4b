"""Does a supernet rank networks as training alone does? See README.md."""
