"""The Python of the README's section on notebooks runs from top to bottom, as a reader would run it."""

import re
from pathlib import Path

import crmlab as crm

README = Path(__file__).parents[1] / "README.md"


def test_what_the_readme_does_in_a_notebook_runs(sample_folder, tmp_path, monkeypatch):
    (section,) = re.findall(r"\n## In a notebook\n(.*?)\n## ", README.read_text(encoding="utf-8"), re.S)
    blocks = re.findall(r"```python\n(.*?)```", section, re.S)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "sample").symlink_to(sample_folder, target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    people = crm.mining.customers.profile(crm.open_workspace(sample_folder))
    # Frames that the README takes for the reader's own.
    given = {"frame": people, "frame_of_numbers": people[["age", "recency", "frequency"]]}
    exec(compile("\n".join(blocks), "README.md", "exec"), given)
    assert given["value"].index.name == "customer_id"
    written = (tmp_path / "scores.csv").read_text(encoding="utf-8").splitlines()
    assert written[0] == "customer_id,lifetime_value"
    assert len(written) == len(given["value"]) + 1
    assert len((tmp_path / "call_list.csv").read_text(encoding="utf-8").splitlines()) < len(written)
    assert given["churn"].why_not == ""
