"""A virtual machine in which the camera meets Linux' own drivers; `build` makes it, `boot` starts it."""
