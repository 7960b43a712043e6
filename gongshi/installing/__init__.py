"""Installing and updating: what an administrator answers, and the files that follow from it."""
