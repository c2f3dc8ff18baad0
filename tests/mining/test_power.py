"""Sample sizes against R's figures, Dunnett's table, textbook examples and simulation."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import crmlab as crm
from crmlab.errors import ParameterError
from crmlab.mining.methods import (
    comparison_level,
    detectable_difference,
    detectable_mean_difference,
    power_of_means,
    power_of_proportions,
    sample_size,
    sample_size_means,
    sample_size_non_inferiority,
)
from crmlab.mining.methods.power import PLANS

#: Of each group, at 80 % and 5 % two-sided: R's power.prop.test, R's pwr, the unpooled formula, and the
#: one with the variance of the first, of which Evan Miller's calculator shows 1,030 for 0.20 and 0.25.
TABLE = {
    (0.10, 0.12): ("3840.8475", "3834.5957", "3838.1022", "3622.6164"),
    (0.05, 0.06): ("8157.7314", "8142.5954", "8154.9860", "7663.0003"),
    (0.10, 0.11): ("14750.7905", "14744.1048", "14748.0450", "14312.8562"),
    (0.20, 0.22): ("6509.4667", "6507.3303", "6506.7213", "6347.0563"),
    (0.20, 0.25): ("1093.7390", "1091.8962", "1090.9943", "1030.2193"),
    (0.01, 0.012): ("42692.802", "42606.126", "42690.057", "39985.961"),
}


@pytest.mark.parametrize("shares", TABLE)
@pytest.mark.parametrize("method", PLANS)
def test_the_published_table_to_the_last_digit_given(shares, method):
    published = TABLE[shares][PLANS.index(method)]
    digits = len(published.partition(".")[2])
    assert f"{sample_size(*shares, method=method).per_arm:.{digits}f}" == published


def test_other_figures_of_r():
    assert sample_size(0.50, 0.75, power=0.9).per_arm == pytest.approx(76.70693, abs=5e-6)
    assert sample_size_means(0.5).per_arm == pytest.approx(63.76576, abs=5e-6)
    assert sample_size_means(0.2, power=0.9).per_arm == pytest.approx(526.33337, abs=1e-5)


def test_the_promised_name():
    found = crm.mining.campaigns.sample_size(0.10, 0.12, power=0.8, alpha=0.05)
    assert found.per_arm == pytest.approx(3840.8475, abs=5e-5)
    assert (found.sizes, found.total) == ((3841, 3841), 7682)
    assert str(found) == "3,841 + 3,841 (power 80%, alpha 0.05, pooled)"


def test_a_textbook_example_of_non_inferiority():
    """Chow, Shao, Wang 2008, example 4.2: 0.85 against 0.65, a margin of 0.10, 5 % one-sided: 25 each."""
    assert sample_size_non_inferiority(0.65, 0.85, 0.10, alpha=0.05).sizes == (25, 25)
    # Half as many in the second group: 6.1826 x (0.2275 + 0.1275 / 0.5) / 0.09.
    found = sample_size_non_inferiority(0.65, 0.85, 0.10, alpha=0.05, ratio=0.5)
    assert found.per_arm == pytest.approx(33.1456, abs=1e-3)
    assert found.sizes == (34, 17)


@pytest.mark.parametrize(("sided", "constants"), [
    (2, (2.21, 2.35, 2.44, 2.51, 2.57, 2.61, 2.65, 2.69)),
    (1, (1.92, 2.06, 2.16, 2.23, 2.29, 2.34, 2.38, 2.42)),
])  # fmt: skip
def test_the_constants_of_dunnetts_tables(sided, constants):
    """Dunnett 1955 and 1964, 5 %, infinitely many degrees of freedom, two to nine arms."""
    for arms, constant in enumerate(constants, start=2):
        level = comparison_level(0.05, arms, "dunnett", sided=sided)
        assert round(-NormalDist().inv_cdf(level / sided), 2) == constant


def test_dunnetts_level_holds_alpha_with_groups_of_unequal_size():
    random = np.random.default_rng(1)
    control = random.normal(size=(200_000, 1))
    arms = random.normal(size=(200_000, 3)) / math.sqrt(0.5)  # half as large as the control group
    largest = np.abs((arms - control) / math.sqrt(1 + 1 / 0.5)).max(axis=1)
    z = -NormalDist().inv_cdf(comparison_level(0.05, 3, "dunnett", ratio=0.5) / 2)
    assert (largest > z).mean() == pytest.approx(0.05, abs=0.0015)


def test_several_arms_need_more():
    named = ("none", "dunnett", "bonferroni")
    sizes = [sample_size(0.1, 0.12, arms=3, correction=name).per_arm for name in named]
    assert sizes[0] < sizes[1] < sizes[2]
    assert sizes[0] == sample_size(0.1, 0.12).per_arm
    assert sizes[2] == sample_size(0.1, 0.12, alpha=0.05 / 3).per_arm
    assert len(sample_size(0.1, 0.12, arms=3, ratio=0.5).sizes) == 4
    # With k arms the smallest total is near a ratio of 1 / sqrt(k).
    totals = {ratio: sample_size(0.1, 0.12, arms=4, ratio=ratio).total for ratio in (0.3, 0.5, 1.0)}
    assert min(totals, key=totals.get) == 0.5


def test_the_chi_square_test_finds_as_much_as_planned():
    random, n = np.random.default_rng(2), 3841
    a, b = random.binomial(n, 0.10, 40_000) / n, random.binomial(n, 0.12, 40_000) / n
    mean = (a + b) / 2
    found = np.abs(b - a) / np.sqrt(2 * mean * (1 - mean) / n) > NormalDist().inv_cdf(0.975)
    assert found.mean() == pytest.approx(0.8, abs=0.007)


def test_the_t_test_finds_as_much_as_planned():
    from scipy import stats

    needed = sample_size_means(6, 10, power=0.9, ratio=2)
    assert needed.sizes == (45, 89)
    random = np.random.default_rng(3)
    a, b = random.normal(0, 10, (20_000, 45)), random.normal(6, 10, (20_000, 89))
    found = stats.ttest_ind(a, b, axis=1).pvalue < 0.05
    assert found.mean() == pytest.approx(power_of_means(6, 45, 10, ratio=89 / 45), abs=0.007)
    # One-sided, with what a margin of 2 adds to an expected difference of 4.
    assert sample_size_means(4 + 2, 10, power=0.9, alpha=0.025, ratio=2, sided=1).per_arm == needed.per_arm


shares = st.floats(0.01, 0.99)


@given(shares, shares, st.sampled_from(PLANS), st.floats(0.5, 0.99), st.sampled_from([0.01, 0.05, 0.2]),
       st.sampled_from([1, 2]), st.floats(0.1, 5), st.integers(1, 3))  # fmt: skip
def test_power_and_detectable_difference_are_the_ways_back(p1, p2, method, power, alpha, sided, ratio, arms):
    if abs(p1 - p2) < 0.001:
        return
    options = {"method": method, "sided": sided, "ratio": ratio, "arms": arms}
    n = sample_size(p1, p2, power, alpha, **options).per_arm
    assert power_of_proportions(p1, p2, n, alpha, **options) == pytest.approx(power, abs=1e-9)
    if p2 > p1:
        assert detectable_difference(p1, n, power, alpha, **options) == pytest.approx(p2 - p1, abs=1e-6)


@given(st.floats(0.05, 1.5), st.floats(0.5, 0.99), st.floats(0.3, 3), st.floats(0.1, 100))
def test_the_same_for_means(effect, power, ratio, deviation):
    n = sample_size_means(effect * deviation, deviation, power, ratio=ratio).per_arm
    reached = power_of_means(effect * deviation, n, deviation, ratio=ratio)
    if n * (1 + ratio) < 2.1:  # hardly a degree of freedom, and yet more than enough
        assert reached >= power
        return
    assert reached == pytest.approx(power, abs=1e-7)
    found = detectable_mean_difference(n, deviation, power, ratio=ratio)
    assert found == pytest.approx(effect * deviation, rel=1e-5)


def test_what_no_sample_of_the_size_can_show():
    assert math.isnan(detectable_difference(0.10, 3))
    assert math.isnan(detectable_mean_difference(1))
    assert power_of_means(0.5, 1) == 0.0
    assert sample_size(0.01, 0.5, power=0.3, sided=1, method="baseline").sizes == (1, 1)
    # Where scipy's noncentral t distribution has no answer.
    assert power_of_means(0.86, 4000) == pytest.approx(1)


@pytest.mark.parametrize(("call", "said"), [
    (lambda: sample_size(10, 12), r"p1 is a share between 0 and 1, such as 0\.1, not 10; write 0\.1"),
    (lambda: sample_size(0.1, 0.1), "no sample is large enough"),
    (lambda: sample_size(0.1, 0.12, power=1), "power is a share"),
    (lambda: sample_size(0.1, 0.12, power=0.04), "power above alpha"),
    (lambda: sample_size(0.1, 0.12, alpha=0.7), r"alpha is below 0\.5"),
    (lambda: sample_size(0.1, "0.12"), "p2 is a share"),
    (lambda: sample_size(0.1, 0.12, method="pooledd"), "no method 'pooledd'; did you mean 'pooled'"),
    (lambda: sample_size(0.1, 0.12, arms=2, correction="tukey"), "no correction 'tukey'"),
    (lambda: sample_size(0.1, 0.12, arms=0), "arms is a whole number of arms from 1"),
    (lambda: sample_size(0.1, 0.12, ratio=0), "ratio is a number above 0"),
    (lambda: sample_size(0.1, 0.12, sided=3), "sided is 1 or 2"),
    (lambda: power_of_proportions(0.1, 0.12, 0), "n is a number above 0"),
    (lambda: sample_size_non_inferiority(0.9, 0.8, 0.1), "it is inferior"),
    (lambda: sample_size_non_inferiority(0.9, 0.9, 0), "margin is a number above 0"),
    (lambda: sample_size_means(0), "The difference is 0"),
    (lambda: sample_size_means(math.nan), "difference is a number above 0"),
    (lambda: sample_size_means(1, 0), "deviation is a number above 0"),
    (lambda: power_of_means(math.inf, 10), "difference is a number, not inf"),
])  # fmt: skip
def test_what_makes_no_sense_is_said(call, said):
    with pytest.raises(ParameterError, match=said):
        call()
