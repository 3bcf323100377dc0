"""Where frames come from: USB cameras, network cameras, files, the synthetic scene."""
