"""The server process: uvicorn, its sockets, its workers."""
