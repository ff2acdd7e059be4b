"""What networks are built of: operations, blocks, attention, and the choice between them."""
