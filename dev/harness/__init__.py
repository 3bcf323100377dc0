"""The product as plain processes on this machine."""
