"""Where the bytes of files are: on a local disk, or in an S3-compatible store. What they are, the database knows."""
