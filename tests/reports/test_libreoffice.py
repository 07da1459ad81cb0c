"""What LibreOffice finds in a workbook and a CSV: the rows and totals of the JSON, no formula."""

import csv
import json
import shutil
import subprocess
from datetime import UTC, datetime

import openpyxl
import pytest

from governance.reports.formats import neutral
from tests.reports.test_formats import hostile

__all__ = ["hostile"]
SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")
pytestmark = [
    pytest.mark.deep,
    pytest.mark.skipif(
        SOFFICE is None,
        reason="LibreOffice is not installed: apt-get install libreoffice-calc-nogui",
    ),
]
# Commas, quotes, UTF-8; cells as they are shown; every sheet a file of its own.
EVERY_SHEET = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,true,false,false,-1"


@pytest.fixture
def convert(tmp_path):
    """`convert(data, "report.xlsx", EVERY_SHEET)`: what LibreOffice makes of it, by name."""

    def run(data, name, to, *options):
        (tmp_path / name).write_bytes(data)
        out = tmp_path / f"{name}-converted"
        subprocess.run(
            [
                SOFFICE,
                f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}",
                "--headless",
                *options,
                "--convert-to",
                to,
                "--outdir",
                out,
                tmp_path / name,
            ],
            check=True,
            capture_output=True,
            timeout=300,
        )
        return {path.name: path for path in out.iterdir()}

    return run


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def shown(column, value):
    """As a cell says it."""
    if value is None:
        return ""
    if column["kind"] == "boolean":
        return str(value).upper()
    if column["kind"] == "instant":
        return f"{datetime.fromisoformat(value).astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    return neutral.neutral(value) if column["kind"] == "text" else str(value)


@pytest.mark.parametrize("name", ["access-by-app", "privileged", "two-factor", "coverage"])
def test_a_workbook_has_the_rows_and_totals_of_the_json(hostile, made, convert, name):
    _, data = made(name, "json")
    whole = json.loads(data)
    columns, manifest = whole["manifest"]["columns"], whole["manifest"]
    _, book = made(name, "xlsx")

    found = convert(book, "report.xlsx", EVERY_SHEET)

    (head, *rows) = read(found["report-Rows.csv"])
    assert [one.removesuffix(" (UTC)") for one in head] == [column["name"] for column in columns]
    assert rows == [
        [shown(column, row[column["name"]]) for column in columns] for row in whole["rows"]
    ]
    said = read(found["report-Manifest.csv"])
    totals = [words for name_, words in said if name_ == "control total"]
    assert totals[:-1] == manifest["control_totals"]["equations"]
    assert ["rows", str(len(rows))] in said


def test_a_csv_that_is_opened_runs_nothing(hostile, made, convert):
    found, data = made("access-by-app", "csv")

    (path,) = convert(data, "report.csv", "xlsx", "--infilter=CSV:44,34,76,1").values()

    cells = [cell for row in openpyxl.load_workbook(path).worksheets[0].iter_rows() for cell in row]
    assert sum(cell.column == 1 and cell.value == "osc-fr1" for cell in cells) == found.rows
    assert [cell.value for cell in cells if cell.data_type == "f"] == []
