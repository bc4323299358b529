"""What only one study needs; no study imports another."""
