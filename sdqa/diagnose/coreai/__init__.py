"""Looking into `.aimodel`s: the same instruments, executed by Core AI's own runtime.

Values inside an asset are had by giving them out: a copy of the program with more outputs. An operation is run alone
by giving it its inputs: a copy in which they come from outside. Both copies run like any asset.
"""
