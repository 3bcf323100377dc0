"""The page over the bucket: who came, when and where."""
