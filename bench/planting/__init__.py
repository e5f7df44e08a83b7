# SPDX-License-Identifier: MIT
"""How slips are planted, hunted and reported."""
