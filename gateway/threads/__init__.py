"""Long-lived threads that run synchronous code for the event loop.

Django keeps one database connection per thread, so a connection lives as long as its thread.
`concurrent.futures.ThreadPoolExecutor` hands work to whichever thread wakes first, which keeps all threads, and all
their connections, in use. Here the thread that became idle last is woken first: under light load a few threads do all
the work. A job can also name its thread (`Threads.submit_to`), and a request can lease one (`Threads.lease`), because
connections must be cleaned up on the thread that they belong to.

    pool.py       a pool of threads: what callers use
    lease.py      runs the synchronous calls of one request, on one thread
    schedule.py   which thread runs what next;   leased.py  the threads that leases keep
    thread.py     one thread, and the hooks that a pool calls on it
    processor.py  whether this process keeps a processor busy
"""

from gateway.threads.lease import Lease
from gateway.threads.pool import Threads
from gateway.threads.thread import Hooks, Job, PooledThread, current_thread, run_for

__all__ = ["Hooks", "Job", "Lease", "PooledThread", "Threads", "current_thread", "run_for"]
