# SPDX-License-Identifier: MIT
"""What other libraries write into their files, construct by construct."""
