"""Video by FFmpeg: files and network cameras."""
