// SPDX-License-Identifier: MIT
#include "bounds/linear/corners.hpp"

#include <algorithm>

#include "bounds/linear/relaxation.hpp"

namespace withstand::bounds::linear {

bool bends_at_zero(const Activation& phi) {
  if (!phi.piecewise_linear() || phi.pieces().ramp) return false;
  const Pieces& p = phi.pieces();
  if (p.corners > 1 || (p.corners == 1 && p.corner[0] != 0)) return false;
  return p.intercept[0] == 0 && (p.corners == 0 || p.intercept[1] == 0);
}

bool append_corners(const Activation& phi, Interval intact, Interval faulty, Interval deviation,
                    std::vector<Corner>& corners) {
  const bool same = deviation.lower == 0 && deviation.upper == 0;
  const double least = std::max(intact.lower, same ? faulty.lower : down(faulty.lower - deviation.upper));
  const double most = std::min(intact.upper, same ? faulty.upper : up(faulty.upper - deviation.lower));
  if (!(least <= most) || !(deviation.lower <= deviation.upper)) return false;
  const auto first = corners.size();
  const auto add = [&](double s, double eta) {
    const double y = phi(s);
    for (std::size_t c = first; c < corners.size(); ++c)
      if (corners[c].s == s && corners[c].eta == eta) return;
    corners.push_back({eta, s, eta == 0 ? 0 : phi(s + eta) - y, y});
  };
  // Where the lower or the upper end of s + η bends, or crosses 0, as s goes along.
  for (const double s : {least, most, 0.0, faulty.lower - deviation.lower, faulty.upper - deviation.upper,
                         -deviation.lower, -deviation.upper}) {
    if (s < least || s > most) continue;
    const double low = std::max(deviation.lower, faulty.lower - s), high = std::min(deviation.upper, faulty.upper - s);
    add(s, std::min(low, deviation.upper));
    if (same) continue;
    add(s, std::max(high, deviation.lower));
    if (low < -s && -s < high) add(s, -s);
  }
  return true;
}

}  // namespace withstand::bounds::linear
