"""The process: uvicorn, its sockets, its workers."""
