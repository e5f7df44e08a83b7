# SPDX-License-Identifier: MIT
"""The command ``withstand`` around the package: how it begins (`entry`), Ctrl-C, and exit codes of what does not work.

It stands beside the package: to import any part of `withstand` is to import NumPy and the compiled core, and Ctrl-C may
come and libraries may be missing before that is done. Importing this does nothing; `entry` takes Ctrl-C over.
"""
