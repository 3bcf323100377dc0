"""What the benches put around the product: stores, loads, a bridge to watch."""
