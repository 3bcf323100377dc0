"""The model of the delivery protocol holds, and breaks without each rule that it needs."""

import itertools

import pytest

from dev.model.__main__ import checks, describe
from dev.model.checker import SMALL, Checker, missing_program, rule_numbers
from dev.model.rules import REMOVALS
from tests.support.paths import ROOT

GUARANTEE = (ROOT / "docs/explanation/delivery-guarantee.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Checker:
    program = missing_program()
    if program:
        pytest.skip(f"there is no {program}")
    return Checker(tmp_path_factory.mktemp("model"), SMALL)


@pytest.mark.long
def test_the_protocol_keeps_its_promise_and_no_rule_is_idle(checker: Checker) -> None:
    verdicts = [(check, check.run(checker)) for check in checks(small=True)]

    assert [describe(check, found) for check, found in verdicts if found.holds != check.expects_to_hold] == []


def test_each_rule_of_the_model_is_removed_once_and_explained() -> None:
    rules = set(rule_numbers())

    assert {removal.rule for removal in REMOVALS} == rules
    assert sorted(rule for rule in rules if f"`{rule}`" not in GUARANTEE) == []


def test_a_rule_that_nothing_needs_says_why() -> None:
    for rule, removals in itertools.groupby(sorted(REMOVALS, key=lambda each: each.rule), lambda each: each.rule):
        spared = [removal for removal in removals if removal.spared_by]
        assert all(removal.spared_by in GUARANTEE for removal in spared), rule
