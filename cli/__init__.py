"""What is behind ./usbcam: shell scripts, and what needs more than a few lines of shell."""
