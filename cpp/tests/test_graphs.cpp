// SPDX-License-Identifier: MIT
// A graph is a chain with wires: where they stand, what they carry, and which graphs there are not.
#include <memory>
#include <stdexcept>

#include "core/rounding.hpp"
#include "law.hpp"
#include "withstand/forward.hpp"
#include "withstand/selection.hpp"

using namespace withstand;

namespace {

std::shared_ptr<const Affine> dense(const Matrix& w) { return std::make_shared<const Dense>(w); }

/// Layers that read the one before are a chain, and nothing else.
void check_chain() {
  const Matrix first = law::random(4, 3), second = law::random(2, 4);
  const Vector a = law::random(4, 1), b = law::random(2, 1);
  const Activation relu("relu"), identity("identity");
  const Network chain({first, second}, {a, b}, {relu, identity});
  const Network graph(3, {{{{0, dense(first)}}, a, relu}, {{{1, dense(second)}}, b, identity}});
  CHECK(graph == chain && !graph.is_graph() && graph.is_dense());
  for (Index l = 0; l <= 2; ++l) {
    CHECK(graph.own(l) == chain.own(l) && graph.failing(l) == chain.failing(l));
    for (Index source = 0; source <= 2; ++source) CHECK(graph.offset(l, source) == chain.offset(l, source));
  }
  const Network still(3, {{{{0, dense(first)}}, a, relu, false}, {{{1, dense(second)}}, b, identity, false}});
  CHECK(still.is_graph() && !still.is_dense() && still.failing(1) == 0 && still.neurons() == 0 && !(still == chain));
  CHECK(still.failing(2) == 2);  // outputs are as they are in a chain
}

struct Parts {
  Matrix a = law::random(4, 3), b = law::random(2, 4), c = law::random(4, 2), d = law::random(4, 3);
  Matrix e = law::random(2, 4), f = law::random(2, 3);
  Vector p = law::random(4, 1), q = law::random(2, 1), r = law::random(4, 1), s = law::random(2, 1);
  Activation relu{"relu"}, identity{"identity"};

  /// Layer 3 reads layers 2, 1 as it is, and the inputs; the outputs read layer 3 and the inputs. Layer 2 cannot fail.
  Network graph() const {
    return Network(3, {{{{0, dense(a)}}, p, relu},
                       {{{1, dense(b)}}, q, relu, false},
                       {{{2, dense(c)}, {1, nullptr}, {0, dense(d)}}, r, relu},
                       {{{3, dense(e)}, {0, dense(f)}}, s, identity}});
  }

  /// The same by hand. Inputs that are not negative pass a relu as they are.
  Network chain() const {
    const auto one = [](Index n) { return Matrix::Identity(n, n); };
    Matrix first = Matrix::Zero(7, 3), second = Matrix::Zero(9, 7), third = Matrix::Zero(7, 9), last(2, 7);
    first << a, one(3);
    second.topLeftCorner(2, 4) = b;
    second.block(2, 4, 3, 3) = one(3);  // wires in the order of their sources: of the inputs, then of layer 1
    second.bottomLeftCorner(4, 4) = one(4);
    third.topRows(4) << c, d, one(4);
    third.block(4, 2, 3, 3) = one(3);
    last << e, f;
    const auto longer = [](const Vector& bias, Index n) {
      Vector all = Vector::Zero(n);
      all.head(bias.size()) = bias;
      return all;
    };
    return Network({first, second, third, last}, {longer(p, 7), longer(q, 9), longer(r, 7), s},
                   {relu, relu, relu, identity});
  }
};

void check_places(const Network& graph) {
  const std::vector<Index> width{3, 7, 9, 7, 2}, own{3, 4, 2, 4, 2}, failing{3, 4, 0, 4, 2};
  const std::vector<std::vector<Index>> offset{
      {0, -1, -1, -1, -1}, {4, 0, -1, -1, -1}, {2, 5, 0, -1, -1}, {4, -1, -1, 0, -1}, {-1, -1, -1, -1, 0}};
  CHECK(graph.is_graph() && !graph.is_dense() && graph.layers() == 4);
  for (Index l = 0; l <= 4; ++l) {
    const auto at = static_cast<std::size_t>(l);
    CHECK(graph.width(l) == width[at] && graph.own(l) == own[at] && graph.failing(l) == failing[at]);
    for (std::size_t source = 0; source <= 4; ++source)
      CHECK(graph.offset(l, static_cast<Index>(source)) == offset[at][source]);
  }
  CHECK(graph.neurons() == 8 && graph.widest() == 9);
  CHECK(graph.synapses() == 4 * 3 + 4 * 2 + 4 * 3 + 2 * 4 + 2 * 3);  // none into layer 2, none as they are
  CHECK(graph.reads(3).size() == 3 && graph.reads(3)[1].source == 1);
  CHECK(*graph.reads(3)[1].map == *Selection::identity(4));
  CHECK(graph.activation(3, 3).name() == std::string("relu"));
  CHECK(graph.activation(3, 4).name() == std::string("identity"));
}

void check_signals(const Parts& parts, const Network& graph) {
  const Network chain = parts.chain();
  for (Index l = 1; l <= 4; ++l) {
    CHECK(graph.map(l) == chain.map(l) && graph.bias(l) == chain.bias(l));
    law::check(graph.map(l), chain.dense(l));
  }
  const Vector x = law::random(3, 1).cwiseAbs();
  const std::vector<std::vector<Forced>> failures{
      {}, {{{1, 2}, 0.75}}, {{{0, 1}, 0.25}}, {{{1, 0}, 3}, {{3, 1}, 0.5}}, {{{3, 2, 6}, 2}}, {{{4, 1, 5}, -1}}};
  for (const std::vector<Forced>& failed : failures) {
    CHECK(law::near(forward(graph, x, failed), forward(chain, x, failed)));
    CHECK(forward(graph, trace(graph, x), failed) == forward(graph, x, failed));
  }
  const Vector negative = -x;
  const Trace found = trace(graph, negative, {{{1, 3}, -7}});
  CHECK(found.post[1].tail(3) == negative && found.post[2].segment(2, 3) == negative);
  CHECK(found.post[3].tail(3) == negative);
  // wires hand on what a failure sends
  CHECK(found.post[2].tail(4) == found.post[1].head(4) && found.post[2](8) == -7);
  CHECK(message_of<std::invalid_argument>([&] { forward(graph, x, {{{1, 4}, 0.0}}); }).find("(1, 4) does not exist") !=
        std::string::npos);  // a wire
}

/// Two reads of one source add up.
void check_repeated(const Parts& parts) {
  const Activation relu("relu"), identity("identity");
  const Matrix square = law::eighths(4, 4);
  const Network graph(3, {{{{0, dense(parts.a)}}, parts.p, relu},
                          {{{1, dense(square)}, {1, nullptr}}, parts.r, relu},
                          {{{2, dense(parts.e)}}, parts.s, identity}});
  const Network chain({parts.a, square + Matrix::Identity(4, 4), parts.e}, {parts.p, parts.r, parts.s},
                      {relu, relu, identity});
  CHECK(!graph.is_graph() && !graph.is_dense() && graph == chain);
  const Vector x = law::random(3, 1);
  CHECK(law::near(forward(graph, x), forward(chain, x)));
}

void check_refusals(const Parts& parts) {
  const auto refused = [&](Index inputs, const std::vector<Read>& reads) {
    return message_of<std::invalid_argument>([&] {
      Network(inputs, {{{{0, dense(parts.a)}}, parts.p, parts.relu}, {reads, parts.q, parts.identity}});
    });
  };
  const auto says = [](const std::string& message, const char* words) {
    return message.find(words) != std::string::npos;
  };
  CHECK(says(refused(3, {}), "layer 2 reads nothing"));
  CHECK(says(refused(3, {{2, nullptr}}), "layer 2 reads layer 2"));
  CHECK(says(refused(3, {{-1, nullptr}}), "layer 2 reads layer -1"));
  CHECK(says(refused(3, {{1, dense(parts.f)}}), "a map of 3 senders reads layer 1, which has 4"));
  CHECK(says(refused(3, {{1, dense(parts.c.transpose())}, {0, nullptr}}), "a map has 3 receivers, the layer has 2"));
  CHECK(says(refused(2, {{1, dense(parts.b)}}), "layer 1: a map of 3 senders reads layer 0, which has 2"));
  CHECK(says(refused(0, {{1, dense(parts.b)}}), "a network needs inputs, got 0"));
  Matrix endless = parts.b;
  endless(1, 2) = infinity;
  CHECK(says(refused(3, {{1, dense(endless)}}), "weight (1, 2) is inf"));
  CHECK(says(message_of<std::invalid_argument>([&] { Network(3, {{{{0, dense(parts.a)}}, parts.p, parts.relu}}); }),
             "at least one hidden layer"));
}

}  // namespace

int main() {
  const Parts parts;
  check_chain();
  check_places(parts.graph());
  check_signals(parts, parts.graph());
  check_repeated(parts);
  check_refusals(parts);
}
