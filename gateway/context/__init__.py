"""What the running request is, in every thread and task of its: a mirror, one whose doings are noted."""
