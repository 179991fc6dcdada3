"""The ``course`` command: the parser, and one function a command that calls the library."""
