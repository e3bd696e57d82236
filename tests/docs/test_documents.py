"""What the documents say is what the code does."""

from pathlib import Path

from anyrig.cli.main import COMMANDS
from anyrig.core.jobs import as_mermaid

ROOT = Path(__file__).parents[2]


def test_the_life_of_a_task_is_drawn_from_the_table() -> None:
    assert as_mermaid() in (ROOT / "docs/explanation/life-of-a-task.md").read_text()


def test_the_readme_names_only_commands_that_exist() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    used = {line.split()[1] for line in lines if line.startswith("    anyrig ")}
    assert used
    assert used <= set(COMMANDS)


def test_links_between_documents_lead_somewhere() -> None:
    for document in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")):
        for part in document.read_text().split("](")[1:]:
            target = part.partition(")")[0].partition("#")[0]
            if target and "://" not in target:
                assert (document.parent / target).exists(), f"{document.name}: {target}"
