# SPDX-License-Identifier: MIT
"""Slips in the search of finite failures: the walk, its closing selection, ranges, precise evaluation, verdicts."""

from __future__ import annotations

from .slip import Slip

WALK, CLOSING, REACH = (f"src/search/layered/{name}.cpp" for name in ("walk", "closing", "reach"))
CHOICES, COMPLETED, SEARCH, POINTS = (f"src/search/{name}.cpp" for name in ("choices", "completed", "search", "points"))
PRECISE, HARM = (f"src/evaluate/{name}.cpp" for name in ("precise", "harm"))

SLIPS = (
    Slip(
        "walk-synapse-sign",
        WALK,
        "const double delta = here.synapses ? -problem_",
        "const double delta = here.synapses ? problem_",
        "a dead synapse delivers twice",
    ),
    Slip(
        "walk-fails-twice",
        WALK,
        "    while (next < live.size() && live[next].option->site == site) ++next;\n",
        "",
        "a component fails twice",
    ),
    Slip(
        "walk-sees-old-value",
        WALK,
        "if (!site.is_synapse()) signal = now.option->value;  // the",
        "//",
        "synapses that leave a failed neuron see its intact value",
    ),
    Slip(
        "walk-idle-not-counted",
        WALK,
        "quota.last_stage <= stage && left_[q] > idle_[q]) return;",
        "quota.last_stage <= stage && left_[q] > 0) return;",
        "failures that change nothing do not make up the numbers",
    ),
    Slip(
        "walk-leave",
        WALK,
        "for (const Option& option : levels_[stage].idle) --idle_[option.quota];",
        "for (const Option& option : levels_[stage].idle) idle_[option.quota] += 0;",
        "idle failures of a state that was left still count",
        survives="open: forty deep networks with prescribed numbers did not meet it; what is replayed is counted again",
    ),
    Slip(
        "walk-decided-synapse",
        WALK,
        "    s[f.site.to] -= problem_.network.map(layer).weight(",
        "    s[f.site.to] += problem_.network.map(layer).weight(",
        "a synapse that has been decided to fail delivers twice",
    ),
    Slip(
        "closing-select",
        CLOSING,
        "return std::accumulate(best, best + most, 0.0);",
        "return std::accumulate(best, best + most - 1, 0.0);",
        "r - 1 failures instead of r",
    ),
    Slip(
        "closing-least",
        CLOSING,
        "? std::max<Index>(0, left_[closing_] - idle_[closing_]) : 0;",
        "? 0 : 0;",
        "exactly treated as at most in the last stage",
    ),
    Slip(
        "closing-twice",
        CLOSING,
        "      if (candidates_[n].option->site == taken->site) gains_[n] = 0;\n",
        "      if (candidates_[n].option == taken) gains_[n] = 0;\n",
        "a component that failed one way fails another way too",
    ),
    Slip(
        "closing-owed",
        CLOSING,
        "if (choices_.quotas[option->quota].exactly) --owed[option->quota];",
        "if (choices_.quotas[option->quota].exactly) owed[option->quota] += 0;",
        "failures that were chosen do not count for the prescribed number",
    ),
    Slip(
        "choices-left",
        CHOICES,
        "    --rest.quotas[option.quota].count;\n",
        "",
        "decided failures are not taken off the count",
    ),
    Slip(
        "choices-last-stage",
        CHOICES,
        "if (!stages[s].options.empty() || !stages[s].failed.empty()) last = s;",
        "if (!stages[s].options.empty()) last = s;",
        "the last layer is closed over synapses into the outputs that have failed already",
    ),
    Slip(
        "harm-gauge",
        HARM,
        "nominal_(objective - m) - psi_(-t);",
        "nominal_(objective - m) - psi_(t);",
        "the sign lost on the way through the output activation",
    ),
    Slip(
        "reach-select",
        REACH,
        "static_cast<Index>(gains.size()), quotas_[group.quota].count);",
        "static_cast<Index>(gains.size()), quotas_[group.quota].count - 1);",
        "r - 1 failures instead of r",
    ),
    Slip(
        "reach-bias",
        REACH,
        "return sign * net_.bias(layer_)(j) +",
        "return net_.bias(layer_)(j) +",
        "the bias keeps its sign where the sum changes its own",
    ),
    Slip(
        "precise-sum",
        PRECISE,
        "std::isfinite(sum) ? (a - (sum - part)) + (b - part) : 0};",
        "std::isfinite(sum) ? b - part : 0};",
        "half of the error of a sum",
    ),
    Slip(
        "precise-clip",
        PRECISE,
        "p.intercept[k] == 0 ? line : line + Number{p.intercept[k], 0};",
        "line;",
        "clip without its shift, in twice the digits",
    ),
    Slip(
        "precise-bias",
        PRECISE,
        "Number sum{net_.bias(l)(j), 0};",
        "Number sum{0, 0};",
        "forgotten bias, in twice the digits",
    ),
    Slip(
        "search-ceiling",
        POINTS,
        "result.harm = std::max({result.harm, upper(k) - harm.nominal()(k), harm.nominal()(k) - lower(k)});",
        "result.harm = std::max(result.harm, upper(k) - harm.nominal()(k));",
        "outputs only rise",
    ),
    Slip(
        "search-meaningful",
        "src/search/conclusion.cpp",
        "return proved.error <= meaningful * std::max({proved.outputs, std::abs(result.lower), 0x1p-400}) ||",
        "return proved.error >= 0 ||",
        "an interval is called exact where evaluations can tell nothing",
    ),
    Slip(
        "search-owed",
        COMPLETED,
        "used->value == o.value && choices.quotas[o.quota].exactly) --owed[o.quota];",
        "used->value == o.value && choices.quotas[o.quota].exactly) owed[o.quota] += 0;",
        "a witness is filled up as if it held no failure",
    ),
    Slip(
        "search-idle",
        COMPLETED,
        "(o.site.is_synapse() ? y(o.site.from) == 0 : y(o.site.to) == o.value))",
        "(o.site.is_synapse() || y(o.site.to) == o.value))",
        "any synapse may fail without effect",
        survives="open: the one test with a million configurations of synapses fills up with idle ones all the same",
    ),
)
