"""`python -m gateway`: the command line, where the command itself is not on the path."""

from gateway.cli import main

if __name__ == "__main__":
    main(prog_name="gateway")
