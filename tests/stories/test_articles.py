"""Every sentence of an article is walked through once: a failure names one place."""

import ast
from collections import Counter
from pathlib import Path

import pytest

STORIES = sorted(
    file
    for file in Path(__file__).parent.glob("test_*.py")
    if "from tests.stories.article import step" in file.read_text().splitlines()
)


def test_there_is_a_story_for_each_of_the_five_articles() -> None:
    assert len(STORIES) == 5


@pytest.mark.parametrize("file", STORIES, ids=lambda file: file.stem)
def test_no_sentence_is_a_step_twice(file: Path) -> None:
    said = Counter(
        node.args[0].value
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "step"
        and isinstance(node.args[0], ast.Constant)
    )
    assert said
    assert [sentence for sentence, times in said.items() if times > 1] == []
