// SPDX-License-Identifier: MIT
#pragma once

namespace withstand {

/// What counts as harm: the error of every output, or the harm to the decision (the largest output, the first of
/// equals): max over j != c of F_j - F_c in the failed network, c the class of the intact one; it flips where >= 0.
enum class Goal { error, argmax };

}  // namespace withstand
