// SPDX-License-Identifier: MIT
#include "check.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "activation/shape.hpp"
#include "kernels/kernels.hpp"
#include "withstand/types.hpp"
#include "withstand/variants.hpp"

// Every kernel of every variant that runs here, against the loops of its declaration.
using namespace withstand;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr Index room = 8;  // of a last vector

void products(const Kernels& kernels) {
  for (Index m : {1, 3, 4, 9})
    for (Index n : {1, 4, 7, 12, 25})
      for (Index k : {1, 5, 64}) {
        const Matrix a = Matrix::Random(m, k), b = Matrix::Random(k, n), c = Matrix::Random(m, n);
        Matrix sum = c;
        kernels.multiply_add(m, n, k, a.data(), k, b.data(), n, sum.data(), n);
        CHECK((sum - (c + a * b)).cwiseAbs().maxCoeff() < 1e-13 * static_cast<double>(k));
      }
}

void nonzeros(const Kernels& kernels) {
  for (long n = 0; n < 40; ++n)
    for (unsigned seed = 0; seed < 16; ++seed) {
      std::vector<double> values(static_cast<std::size_t>(n)), scale(values.size() + room);
      std::vector<int> index(values.size() + room), expected;
      for (std::size_t i = 0; i < values.size(); ++i) {
        if ((i * 7 + seed * (i + 3)) % 5 < 2) values[i] = i % 2 == 0 ? -1.5 - static_cast<double>(i) : 1e-320;
        else if (i % 3 == 0) values[i] = -0.0;
        if (values[i] != 0) expected.push_back(static_cast<int>(i));
      }
      CHECK(kernels.nonzero(n, values.data(), index.data(), scale.data()) == static_cast<long>(expected.size()));
      for (std::size_t c = 0; c < expected.size(); ++c) {
        CHECK(index[c] == expected[c]);
        CHECK(scale[c] == values[static_cast<std::size_t>(expected[c])]);
      }
    }
}

void rectified(const Kernels& kernels) {
  for (long n = 0; n < 40; ++n)
    for (double gain : {1.0, 0.375}) {
      std::vector<double> values(static_cast<std::size_t>(n)), out(values.size() + room), scale(values.size() + room);
      std::vector<int> index(values.size() + room), expected;
      for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = i % 3 == 0 ? -1.0 : i % 7 == 1 ? 0.0 : i % 11 == 2 ? std::nan("") : 0.5 + static_cast<double>(i);
        if (values[i] > 0) expected.push_back(static_cast<int>(i));
      }
      CHECK(kernels.rectify(n, gain, values.data(), out.data(), index.data(), scale.data()) == static_cast<long>(expected.size()));
      for (std::size_t i = 0; i < values.size(); ++i) CHECK(out[i] == (values[i] > 0 ? gain * values[i] : 0));
      for (std::size_t c = 0; c < expected.size(); ++c) {
        CHECK(index[c] == expected[c]);
        CHECK(scale[c] == gain * values[static_cast<std::size_t>(expected[c])]);
      }
    }
}

/// The most that a change of one signal does: of one sum, of several, of what fails.
void changes(const Kernels& kernels) {
  for (long n = 8; n <= 64; n += 8)
    for (double gain : {1.0, 0.375}) {
      const Vector values = Vector::Random(n), from = Vector::Random(n).cwiseMax(0.0), least = Vector::Random(n);
      const Vector most = least + Vector::Random(n).cwiseAbs(), up = Vector::Random(n).cwiseAbs(), down = Vector::Random(n).cwiseAbs();
      const Matrix rows = Matrix::Random(5, n + 3);
      const auto of = [&](double change, Index i) { return std::max(up(i) * change, -down(i) * change); };
      const auto rise = [&](const Vector& sums) {
        double sum = 0;
        for (Index i = 0; i < n; ++i) sum += of(std::max(gain * sums(i), 0.0) - from(i), i);
        return sum;
      };
      CHECK(std::abs(kernels.rise(n, gain, values.data(), from.data(), up.data(), down.data()) - rise(values)) < 1e-12);
      const std::vector<int> index{3, 0, 4, 3};
      const std::vector<double> scale{-1, 0.5, 2, 0};
      Vector out(4), gains(n), slack = Vector::Random(n);
      kernels.rises(n, gain, values.data(), 4, index.data(), scale.data(), rows.data(), n + 3, from.data(), up.data(), down.data(),
                    out.data());
      for (std::size_t c = 0; c < index.size(); ++c)
        CHECK(std::abs(out(static_cast<Index>(c)) - rise(values + scale[c] * rows.row(index[c]).head(n).transpose())) < 1e-12);
      slack(n / 2) = -infinity;
      const double largest = kernels.gains(n, from.data(), least.data(), most.data(), up.data(), down.data(), slack.data(), gains.data());
      for (Index i = 0; i < n; ++i) {
        const double expected = std::max(up(i) * (most(i) - from(i)), down(i) * (from(i) - least(i))) + slack(i);
        CHECK(gains(i) == expected || std::abs(gains(i) - expected) < 1e-15);
      }
      CHECK(largest == gains.maxCoeff());
      for (double level : {-infinity, 0.0, gains(1), largest, infinity}) {
        std::vector<int> found(static_cast<std::size_t>(n + room)), expected;
        for (Index i = 0; i < n; ++i)
          if (gains(i) >= level) expected.push_back(static_cast<int>(i));
        CHECK(kernels.not_below(n, gains.data(), level, found.data()) == static_cast<long>(expected.size()));
        CHECK(std::equal(expected.begin(), expected.end(), found.begin()));
      }
    }
}

void combinations(const Kernels& kernels) {
  for (Index n = 1; n < 130; n += n < 40 ? 1 : 7)
    for (long count = 0; count < 11; ++count) {
      const Matrix rows = Matrix::Random(12, n + 3);
      Vector base = Vector::Random(n), out(n), expected = base;
      std::vector<int> index;
      std::vector<double> scale;
      for (long c = 0; c < count; ++c) {
        index.push_back(static_cast<int>(7 * c % 12));
        scale.push_back(0.25 + static_cast<double>(c));
        expected += scale.back() * rows.row(index.back()).head(n).transpose();
      }
      kernels.combine(n, base.data(), count, index.data(), scale.data(), rows.data(), n + 3, out.data());
      CHECK((out - expected).cwiseAbs().maxCoeff() < 1e-13);
    }
}

/// Variants that claim it are as good as the scalar functions, also where these are tiny.
void relative_values(const Kernels& kernels) {
  for (const Shape& shape : shapes()) {
    if (!shape.relative) continue;
    const Activation phi(shape.name);
    for (double s = -690; s <= 690; s += 0.137) {
      double value = s;
      kernels.activate(shape.kernel, 1.0, phi.slope(), 1, &value);
      CHECK(std::abs(value - phi(s)) <= 8 * std::numeric_limits<double>::epsilon() * std::abs(phi(s)));
    }
  }
}

/// Errors of one more input; with an index, members share values.
void merges(const Kernels& kernels) {
  for (Index n = 1; n < 30; ++n)
    for (Index width : {Index{0}, Index{1}, Index{13}, Index{16}, Index{17}, n}) {  // 0: no index
      const Vector row = Vector::Random(40), before = Vector::Random(n + room);
      Vector errors = before, where = Vector::Zero(n + room);
      std::vector<int> index(static_cast<std::size_t>(n + room));
      for (Index i = 0; width > 0 && i < n; ++i) index[static_cast<std::size_t>(i)] = static_cast<int>((3 * i + 1) % width);
      kernels.merge_errors(n, row.data(), width > 0 ? index.data() : nullptr, width, 0.25, 7.0, errors.data(),
                           where.data());
      for (Index i = 0; i < n + room; ++i) {
        if (i >= n) {  // others' errors stay as they are
          CHECK(errors(i) == before(i) && where(i) == 0);
          continue;
        }
        const double here = row(width > 0 ? index[static_cast<std::size_t>(i)] : i);
        CHECK(errors(i) == std::max(here, before(i)));
        CHECK(where(i) == (here > before(i) + 0.25 ? 7.0 : here >= before(i) - 0.25 ? -1.0 : 0.0));
      }
    }
}

/// What every candidate adds, and the bounds of it: after each of them, or after every third.
struct Reached {
  Matrix highest, across;
};

Reached reached(const Kernels& kernels, Index hinges, Index outputs, Index ld, const Vector& effect,
                const Matrix& responses) {
  const Index n = effect.size(), width = hinges + outputs;
  std::vector<const double*> rows;
  for (Index i = 0; i < n; ++i) rows.push_back(responses.row(i).data());
  const Matrix columns = responses.leftCols(width).transpose() * effect.asDiagonal();
  Reached found;
  for (Index every : {3, 1}) {
    const Index bounds = (n + every - 1) / every + 1;
    found = {Matrix(bounds, hinges), Matrix::Zero(width, ld)};
    kernels.reach(n, hinges, outputs, every, effect.data(), rows.data(), found.highest.data(), found.across.data(), ld);
    CHECK((found.across.middleCols(1, n) - columns).cwiseAbs().maxCoeff() == 0);
    CHECK(found.across.col(0).cwiseAbs().maxCoeff() == 0);
    for (Index r = 0; r < bounds; ++r)
      for (Index j = 0; j < hinges; ++j) {
        const Index before = std::min(n, r * every);
        CHECK(found.highest(r, j) == (before == 0 ? 0.0 : std::max(0.0, columns.row(j).head(before).maxCoeff())));
      }
  }
  return found;
}

/// A row of the nominal-piece-plus-correction form: two layers of hinges, then the outputs.
void rows(const Kernels& kernels, Index n, Index outputs, bool either_sign) {
  const Index lanes = kernels.lanes, first = 3 * lanes, second = 2 * lanes, width = first + second + outputs;
  const Index across_width = (n + lanes) / lanes * lanes, ld = across_width + 3;
  const Vector start = (Vector::Random(width + room).array() - 0.8).matrix();
  const Vector effect = Vector::Random(n);
  const Matrix responses = Matrix::Random(n, width + room);
  const Matrix replies = Matrix::Random(first, second + outputs), last = Matrix::Random(second, outputs);
  auto [highest, across] = reached(kernels, first + second, outputs, ld, effect, responses);

  std::vector<int> hinges(static_cast<std::size_t>(first + lanes));
  const long may = kernels.openable(first, start.data(), highest.row(n).data(), 0, nullptr, nullptr, hinges.data());
  Matrix values(may + 4, across_width);
  Vector most(may + 4);
  const long open = kernels.open(may, across_width, start.data(), across.data(), ld, 0, nullptr, nullptr, hinges.data(),
                                 values.data(), most.data());
  Matrix excess = ((across.topRows(first).leftCols(across_width)).colwise() + start.head(first)).cwiseMax(0.0);
  long expected = 0;
  for (Index j = 0; j < first; ++j) {
    if (excess.row(j).maxCoeff() == 0) continue;
    CHECK(expected < open && hinges[static_cast<std::size_t>(expected)] == j);
    CHECK((values.row(expected) - excess.row(j)).cwiseAbs().maxCoeff() == 0 && most(expected) == excess.row(j).maxCoeff());
    ++expected;
  }
  CHECK(expected == open);

  std::vector<const double*> to_end, answers(static_cast<std::size_t>(open + second));
  for (long c = 0; c < open; ++c) to_end.push_back(replies.row(hinges[static_cast<std::size_t>(c)]).data());
  std::vector<int> opened(static_cast<std::size_t>(second + lanes));
  Vector scratch((open + second) * 2 * lanes), errors(across_width);
  Vector limits = Vector::Random(outputs);
  const Vector end_start = start.tail(width + room - first);
  const Matrix end_highest = highest.row(n).tail(second);
  const Index counting = std::max<Index>(1, across_width - 3);  // the rest may be anything
  across.bottomRows(outputs).rightCols(ld - counting).setConstant(1e3);
  RowEnd end{second, outputs, across_width, counting, either_sign, end_start.data(), end_highest.data(),
             across.row(first).data(), ld, open, to_end.data(), values.data(), most.data(), last.data(), outputs,
             limits.data(), errors.data(), 0, opened.data(), answers.data(), scratch.data()};
  const double rise = kernels.end_row(&end);
  Matrix behind = across.bottomRows(second + outputs).leftCols(across_width).colwise() + end_start.head(second + outputs);
  behind += replies.transpose() * excess;
  Matrix harm = behind.bottomRows(outputs) + last.transpose() * behind.topRows(second).cwiseMax(0.0);
  if (either_sign) harm = harm.cwiseAbs();
  const Vector worst = harm.colwise().maxCoeff().transpose();
  CHECK((errors - worst).cwiseAbs().maxCoeff() < 1e-12);
  CHECK(std::abs(rise - (harm.leftCols(counting).colwise() - limits).maxCoeff()) < 1e-12);
}

/// The intact class does no harm: minus infinity, and no rise above a limit of minus infinity.
void harmless_output(const Kernels& kernels) {
  const Index n = kernels.lanes;
  const Vector start = (Vector(3) << 1.0, -infinity, 0.5).finished(), limits = (Vector(3) << 2.0, -infinity, 4.0).finished();
  const Matrix columns = Matrix::Zero(3, n);
  Vector errors(n), scratch(1);
  std::vector<int> opened(room);
  RowEnd end{0, 3, n, n, false, start.data(), nullptr, columns.data(), n, 0, nullptr, nullptr, nullptr, nullptr, 0,
             limits.data(), errors.data(), 0, opened.data(), nullptr, scratch.data()};
  CHECK(kernels.end_row(&end) == -1.0);
  CHECK(errors.minCoeff() == 1.0 && errors.maxCoeff() == 1.0);
}

/// Pieces of random lines, some of length 0, and places on their ends, between and beyond them.
void look_ups(const Kernels& kernels) {
  for (std::size_t size : {1, 2, 8, 64})
    for (std::size_t count = size / 2 + 1; count <= size; count += size / 4 + 1)
      for (Index n : {1, 5, 8, 17}) {
        const Vector random = Vector::Random(static_cast<Index>(4 * size));
        std::vector<double> pieces(random.data(), random.data() + random.size());
        std::sort(pieces.begin(), pieces.begin() + static_cast<std::ptrdiff_t>(count));
        if (count > 2) pieces[2] = pieces[1];
        pieces[0] = -infinity;
        std::fill(pieces.begin() + static_cast<std::ptrdiff_t>(count), pieces.begin() + static_cast<std::ptrdiff_t>(size), infinity);
        Vector at = Vector::Random(n + room) * (n % 2 == 0 ? 0.1 : 1.0), out(n + room);
        if (count > 1) at(0) = pieces[count - 1];
        const double worst = kernels.look_up(n, at.data(), static_cast<long>(size), pieces.data(), out.data());
        double largest = -infinity;
        for (Index i = 0; i < n; ++i) {
          std::size_t k = count - 1;
          while (pieces[k] > at(i)) --k;
          const double expected = pieces[2 * size + k] + pieces[3 * size + k] * (at(i) - pieces[size + k]);
          CHECK(std::abs(out(i) - expected) <= 1e-15);
          largest = std::max(largest, out(i));
        }
        CHECK(worst == largest);
      }
}

}  // namespace

int main() {
  CHECK(!available_variants().empty());
  for (const std::string& name : available_variants()) {
    const Kernels& variant = kernels(name);
    CHECK(variant.name == name);
    products(variant);
    nonzeros(variant);
    rectified(variant);
    changes(variant);
    combinations(variant);
    relative_values(variant);
    merges(variant);
    for (Index n : {1, 3, 8, 9, 16, 21, 40})
      for (Index outputs : {1, 2, 3, 4, 5, 7, 9, 10, 13, 20, 27})
        for (bool either_sign : {false, true}) rows(variant, n, outputs, either_sign);
    harmless_output(variant);
    look_ups(variant);
  }
  CHECK(message_of<std::runtime_error>([] { kernels("quantum"); }).find("quantum is not available here") !=
        std::string::npos);
}
