# SPDX-License-Identifier: MIT
"""What one would write without this package, each in one file, for comparison and as a check.

All answer the question *which crashes of exactly counts[l-1] neurons in hidden layer l, for every
l, change an output most on these inputs*, by trying every configuration, in double precision.
Every form has the signature ``worst(net, x, counts) -> Worst``.
"""
