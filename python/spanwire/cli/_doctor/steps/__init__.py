"""The steps, a file each: ``check(context, step)`` looks and tells the step what it has found."""
