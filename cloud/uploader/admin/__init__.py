"""`uploader check` and `uploader setup`: each thing that captures need, examined or ensured."""
