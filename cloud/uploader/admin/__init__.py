"""`uploader check` and `uploader setup`: one module for each thing that captures need."""
