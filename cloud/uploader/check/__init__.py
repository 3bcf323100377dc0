"""`uploader check`: looks at everything that captures need, and changes nothing but one probe object."""
