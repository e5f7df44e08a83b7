// SPDX-License-Identifier: MIT
// What every question refuses, and that whoever may interrupt the caller's work may interrupt a question.
#include <atomic>
#include <cmath>
#include <limits>
#include <vector>

#include "check.hpp"
#include "withstand/bound.hpp"
#include "withstand/enumerate.hpp"
#include "withstand/forward.hpp"
#include "withstand/harm.hpp"
#include "withstand/parallel.hpp"
#include "withstand/search.hpp"

using namespace withstand;

namespace {

/// Rectifiers without biases; weights of both signs, none of them twice.
Network network(const std::vector<Index>& widths) {
  std::vector<Matrix> weights;
  std::vector<Vector> biases;
  std::vector<Activation> activations;
  for (std::size_t l = 1; l < widths.size(); ++l) {
    Matrix w(widths[l], widths[l - 1]);
    for (Index j = 0; j < w.rows(); ++j)
      for (Index i = 0; i < w.cols(); ++i) w(j, i) = std::sin(static_cast<double>(1 + j * w.cols() + i + 100 * static_cast<Index>(l)));
    weights.push_back(w);
    biases.push_back(Vector::Zero(widths[l]));
    activations.push_back(Activation(l + 1 < widths.size() ? "relu" : "identity"));
  }
  return Network(weights, biases, activations);
}

Failure crashes(Index count) {
  Failure failure;
  failure.counts = {count};
  failure.total = true;
  return failure;
}

/// Ends what it is asked about.
struct Never : Interrupter {
  bool goes_on(bool) override {
    ++asked;
    return false;
  }
  std::atomic<int> asked{0};
};

template <class Action>
std::string refusal(Action action) {
  return message_of<std::invalid_argument>(action);
}

void wrong_arguments() {
  const Network net = network({2, 3, 1});
  const Space space(net, {crashes(1)}), other(network({2, 9, 1}), {crashes(1)});
  const Domain domain = Domain::points(Matrix::Ones(1, 2));
  for (Index size : {0, 1, 3}) {
    CHECK(refusal([&] { forward(net, Vector::Ones(size)); }).find("the network takes 2") != std::string::npos);
    CHECK(refusal([&] { Harm(net, Vector::Ones(size), Goal::error); }).find("the network takes 2") != std::string::npos);
    CHECK(refusal([&] { forward_batch(net, Matrix::Ones(2, size)); }).find("the network takes 2") != std::string::npos);
  }
  CHECK(refusal([&] { worst_case(net, other, domain, {}); }).find("with other layers") != std::string::npos);
  CHECK(refusal([&] { Enumerator(net, other, domain.lower, {}); }).find("with other layers") != std::string::npos);
  CHECK(refusal([&] { bound(net, other, domain, Method::signed_, Goal::error); }).find("with other layers") != std::string::npos);
  CHECK(refusal([&] { worst_case(net, space, {Matrix::Zero(1, 2), Matrix::Ones(2, 2)}, {}); }).find("1 lower rows and 2") !=
        std::string::npos);
  SearchOptions options;
  for (double wrong : {-1.0, std::numeric_limits<double>::quiet_NaN()}) {
    options = {};
    options.time_limit = wrong;
    CHECK(refusal([&] { worst_case(net, space, domain, options); }).find("time_limit must be at least 0") != std::string::npos);
    options = {};
    options.gap = wrong;
    CHECK(refusal([&] { worst_case(net, space, domain, options); }).find("gap must be at least 0") != std::string::npos);
  }
  for (Effect effect : {Effect::stuck, Effect::byzantine, Effect::deviation, Effect::synapse_signal, Effect::weight_stuck}) {
    Failure failure = crashes(1);
    failure.effect = effect;
    CHECK(refusal([&] { Space(net, {failure}); }).find("Failure::amount is empty") != std::string::npos);
  }
}

void interrupted() {
  const Network net = network({4, 40, 40, 2});
  const Space space(net, {crashes(6)});  // seconds
  const Matrix inputs = Matrix::Ones(2, 4);
  const Enumerator all(net, space, inputs, {});
  SearchOptions options;
  const Domain box = Domain::box(-Vector::Ones(4), Vector::Ones(4));  // whose splitting would not end soon
  for (int threads : {1, 2}) {
    options.threads = threads;
    Never never;
    const Interruptible here(never);
    const Statistics found = all.run(0, all.batches(), threads);
    CHECK(never.asked > 0);
    CHECK(found.count < all.configurations());
    CHECK(worst_case(net, space, box, options).status == SearchStatus::interrupted);
  }
}

}  // namespace

int main() {
  wrong_arguments();
  interrupted();
}
