"""What FFmpeg decodes, as images: shared by USB cameras, files and network cameras."""
