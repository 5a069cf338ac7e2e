"""Long-lived threads that run synchronous code for the event loop.

Django keeps one database connection per thread, so a connection lives as long as its thread.
`concurrent.futures.ThreadPoolExecutor` hands work to whichever thread wakes first, which keeps all of them, and all of
their connections, busy in turn. Here the thread that went idle last is woken first: light load stays on a few warm
threads. A job can also name its thread (`Threads.submit_to`), and a request can lease one (`Threads.lease`), because
what Django leaves on a thread must be cleaned up there.

    pool.py       a pool of threads: what callers use
    lease.py      runs the synchronous calls of one request, on one thread
    schedule.py   which thread runs what next
    thread.py     one thread, and what a pool is told of what jobs leave on it
    processor.py  whether this process keeps a processor busy
"""

from gateway.threads.lease import Lease
from gateway.threads.pool import Threads
from gateway.threads.thread import Hooks, Job, PooledThread, current_thread

__all__ = ["Hooks", "Job", "Lease", "PooledThread", "Threads", "current_thread"]
