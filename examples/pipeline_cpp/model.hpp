// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "withstand/network.hpp"

/// Numbers of a text file: rows, columns, then rows * columns numbers. Throws std::runtime_error where they are missing.
withstand::Matrix read_matrix(const std::string& path);

/// A chain of dense layers: their number, and for each an activation's name, rows, columns, the weights row by row and
/// the biases. export.py writes it. Throws std::runtime_error where the file is not such a file, std::invalid_argument
/// where its numbers are no network.
withstand::Network read_network(const std::string& path);
