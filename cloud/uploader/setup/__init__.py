"""`uploader setup`: makes the bucket and keeps strangers out; tells what it changed, and never loosens anything."""
