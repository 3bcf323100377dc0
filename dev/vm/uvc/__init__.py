"""USB Video Class cameras in user space, over USB/IP: Linux' own vhci-hcd and uvcvideo see real ones."""
