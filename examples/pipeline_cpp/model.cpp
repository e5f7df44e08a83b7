// SPDX-License-Identifier: MIT
#include "model.hpp"

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <utility>
#include <vector>

namespace {

using withstand::Index;
using withstand::Matrix;

constexpr Index most_entries = Index{1} << 28;  // 2 GB: a larger size is a broken file

/// Words of a file, one after the other; a missing or wrong one is named by its number.
class Words {
 public:
  explicit Words(const std::string& path) : path_(path), file_(path) {
    if (!file_) throw std::runtime_error(path + ": cannot be read");
  }
  std::string word(const char* what) {
    std::string read;
    ++number_;
    if (!(file_ >> read)) throw wrong(what, "the end of the file");
    return read;
  }
  double number(const char* what) {
    const std::string read = word(what);
    char* end = nullptr;
    const double value = std::strtod(read.c_str(), &end);  // streams do not read hexadecimal floats
    if (*end != 0) throw wrong(what, read);
    return value;
  }
  Index size(const char* what) {
    const double value = number(what);
    if (!(value >= 1 && value <= static_cast<double>(most_entries)) || value != static_cast<double>(static_cast<Index>(value)))
      throw wrong(what, std::to_string(value));
    return static_cast<Index>(value);
  }
  Matrix matrix() {
    const Index rows = size("a number of rows"), columns = size("a number of columns");
    if (rows > most_entries / columns) throw wrong("a matrix that fits", std::to_string(rows) + " x " + std::to_string(columns));
    Matrix values(rows, columns);
    for (double& value : values.reshaped<Eigen::RowMajor>()) value = number("a number");
    return values;
  }

 private:
  std::runtime_error wrong(const char* what, const std::string& got) const {
    return std::runtime_error(path_ + ": word " + std::to_string(number_) + " must be " + what + ", got " + got);
  }
  std::string path_;
  std::ifstream file_;
  Index number_ = 0;
};

}  // namespace

Matrix read_matrix(const std::string& path) { return Words(path).matrix(); }

withstand::Network read_network(const std::string& path) {
  Words words(path);
  const Index layers = words.size("a number of layers");
  std::vector<Matrix> weights;
  std::vector<withstand::Vector> biases;
  std::vector<withstand::Activation> activations;
  for (Index l = 0; l < layers; ++l) {
    activations.emplace_back(words.word("the name of an activation"));
    weights.push_back(words.matrix());
    withstand::Vector bias(weights.back().rows());
    for (double& value : bias) value = words.number("a bias");
    biases.push_back(std::move(bias));
  }
  return {std::move(weights), std::move(biases), std::move(activations)};
}
