"""What the engine ships, through the same hooks anybody else uses."""
