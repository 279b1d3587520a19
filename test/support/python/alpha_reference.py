"""Alpha and linearity figures of 200 seeded series, by formulas written independently of the service.

Only the standard library is needed. Where numpy can be imported, the six figures are computed with it as well, and
the script fails if the two ways disagree.

    python3 alpha_reference.py            prints the cases as JSON
    python3 alpha_reference.py --write    also records them for machines without Python
"""

from __future__ import annotations

import json
import math
import pathlib
import random
import statistics
import sys

RECORD = pathlib.Path(__file__).parents[2] / "golden" / "alpha" / "python-recorded.json"
CASES = 200


def seeded_returns(rng: random.Random) -> list[float]:
    """Returns of many shapes: long and short, calm and wild, trending, fat-tailed, ruinous."""
    length = rng.choice([2, 3, 5, 10, 21, 63, 126])
    drift = rng.uniform(-0.01, 0.01)
    width = rng.choice([0.001, 0.01, 0.05, 0.3])
    returns = [rng.gauss(drift, width) for _ in range(length)]
    if rng.random() < 0.1:
        returns[rng.randrange(length)] = rng.choice([-1.0, -1.2, -0.9])
    if rng.random() < 0.1:
        returns = [0.0 if rng.random() < 0.5 else r for r in returns]
    return [round(r, 7) for r in returns]


def drawdown_by_brute_force(net: list[float]) -> float:
    """The worst sum over any run of periods, each run added up on its own."""
    worst = 0.0
    for start in range(len(net)):
        total = 0.0
        for r in net[start:]:
            total += r
            worst = min(worst, total)
    return max(-1.0, worst)


def compounded(net: list[float]) -> float:
    if any(r <= -1 for r in net):
        return -1.0
    return math.expm1(math.fsum(math.log1p(r) for r in net))


def ratio(upper: float, lower: float) -> float:
    return upper / lower if lower != 0 else 0.0


def six_figures(returns: list[float], risk_free: float, cost: float) -> dict[str, float]:
    net = [r - cost for r in returns]
    deviation = statistics.pstdev(net)
    flat = all(r == net[0] for r in net)
    sharpe = 0.0 if flat else (statistics.fmean(net) - risk_free) / deviation
    drawdown = drawdown_by_brute_force(net)
    gains = math.fsum(r for r in net if r > 0)
    losses = math.fsum(-r for r in net if r < 0)
    return {
        "alpha_performance.sharpe": sharpe,
        "alpha_performance.max_drawdown": drawdown,
        "alpha_performance.win_ratio": sum(r > 0 for r in net) / len(net),
        "alpha_performance.profit_factor": ratio(gains, losses),
        "alpha_performance.car_mdd": ratio(compounded(net), abs(drawdown)),
        "alpha_performance.rar_mdd": ratio(sharpe, abs(drawdown)),
    }


def agree(a: float, b: float, tolerance: float = 1e-9) -> bool:
    return abs(a - b) <= tolerance * max(1.0, abs(a), abs(b))


def check_with_numpy(returns: list[float], risk_free: float, cost: float, figures: dict[str, float]) -> None:
    try:
        import numpy
    except ImportError:
        return
    net = numpy.asarray(returns) - cost
    total = numpy.concatenate([[0.0], numpy.cumsum(net)])
    drawdown = max(-1.0, float(numpy.min(total - numpy.maximum.accumulate(total))))
    growth = float(numpy.prod(1 + net)) if bool((net > -1).all()) else 0.0
    checks = {
        "alpha_performance.max_drawdown": drawdown,
        "alpha_performance.win_ratio": float((net > 0).mean()),
        "alpha_performance.profit_factor": ratio(float(net[net > 0].sum()), float(-net[net < 0].sum())),
        "alpha_performance.car_mdd": ratio(growth - 1, abs(drawdown)),
    }
    if float(net.std()) > 1e-15:
        checks["alpha_performance.sharpe"] = float((net - risk_free).mean() / net.std())
    for key, value in checks.items():
        assert agree(figures[key], value), (key, figures[key], value)


def ranks(values: list[float]) -> list[float]:
    return [sum(w < v for w in values) + (sum(w == v for w in values) + 1) / 2 for v in values]


def correlation(xs: list[float], ys: list[float]) -> float:
    if len(set(xs)) < 2 or len(set(ys)) < 2:
        return 0.0
    return statistics.correlation(xs, ys)


def walked(levels: list[float]) -> float:
    return math.fsum(abs(b - a) for a, b in zip(levels, levels[1:]))


def thinned(levels: list[float], k: int) -> list[float]:
    if len(levels) <= 2 * k:
        return levels
    kept = levels[::k]
    return kept if kept[-1] == levels[-1] else kept + [levels[-1]]


def linearity(levels: list[float]) -> dict[str, float]:
    n = len(levels)
    time = [float(t) for t in range(n)]
    steps = [b - a for a, b in zip(levels, levels[1:])]
    net = levels[-1] - levels[0]
    slope = statistics.linear_regression(time, levels).slope
    r2 = correlation(time, levels) ** 2 if slope > 0 else 0.0
    highs = sum(i == 0 or level > max(levels[:i]) + 1e-10 for i, level in enumerate(levels))
    falls = [max(levels[: i + 1]) - level for i, level in enumerate(levels)]
    path = math.fsum(math.hypot(1 / (n - 1), step / abs(net)) for step in steps) if net else 0.0
    tvrs = [ratio(abs(net), walked(thinned(levels, k))) for k in (1, 5, 20)]
    return {
        "el_v1_r2_up": r2,
        "el_v1_straightness": min(1.0, ratio(math.sqrt(2), path)),
        "el_v1_monotonicity": sum(step > 1e-12 for step in steps) / (n - 1),
        "el_v1_new_high_frac": highs / n,
        "el_v1_net_gain": net,
        "el_v2_r2_up": r2,
        "el_v2_spearman_rho": correlation(time, ranks(levels)),
        "el_v2_tvr": math.prod(tvrs) ** (1 / 3),
        "el_v2_tuw": 1 - highs / n,
        "el_v2_mdd_norm": max(falls) / (abs(net) + 1e-10),
    }


def make_case(seed: int) -> dict[str, object]:
    rng = random.Random(seed)
    returns = seeded_returns(rng)
    risk_free = rng.choice([0.0, 0.0001, 0.002])
    cost = rng.choice([0.0, 0.0005, 0.01])
    figures = six_figures(returns, risk_free, cost)
    check_with_numpy(returns, risk_free, cost, figures)
    levels = [round(100 + rng.gauss(0, 5) + t * rng.uniform(-1, 1), 4) for t in range(max(3, len(returns)))]
    return {
        "seed": seed,
        "returns": returns,
        "risk_free_rate": risk_free,
        "transaction_cost": cost,
        "figures": figures,
        "levels": levels,
        "linearity": linearity(levels),
    }


def main() -> None:
    text = "[\n" + ",\n".join(json.dumps(make_case(seed)) for seed in range(1, CASES + 1)) + "\n]\n"
    if "--write" in sys.argv:
        RECORD.write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
