"""`python -m gateway`: the command line, for environments where the command `gateway` is not on PATH."""

from gateway.cli import main

if __name__ == "__main__":
    main(prog_name="gateway")
