"""What `threadline doctor` looks at, one file for each part of an installation. Every check returns findings."""
