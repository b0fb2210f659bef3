"""Descriptors: how many files and sockets this process may have open. It knows nothing of what they are for."""


def allow_descriptors(wanted: int) -> int:
    """Raise the process's bound where it is lower, as far as it may be raised; returns what it then is."""
    try:
        import resource
    except ImportError:  # Windows has no such bound
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if raised > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
    return max(soft, raised)
