"""Each format holds the same rows and totals, read by programs that are not ours."""

import csv
import hashlib
import io
import json
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import openpyxl
import pypdf
import pytest
from django.db import connection

from governance.audit.canonical import canonical
from governance.reports.formats import neutral, printed, widths
from governance.reports.making import Options
from governance.reports.registers import access
from tests.factories import AppFactory, CollaborationFactory, PersonFactory

HOSTILE = (
    '=HYPERLINK("http://evil.test","x")',
    "+1+1",
    "-2",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "two\nlines\r\n# rows: 0",
    "# sha256 of all before this line: 00",
    "turned \u202etxt.exe",
    "\uff1d1+1",
    "'=1",
    '<script>alert("x")</script> #set page() $x$ *b* "quoted", cell; other',
    "日本 😀 é",
    "bell \x07 end \x1f \x7f \x9f",
    "100 %s %(at)s {where}",
)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "#")


@pytest.fixture
def hostile(company):
    """The company, with people whose names do harm; and an app like that."""
    for name in HOSTILE:
        person = PersonFactory(username=name, email=f"{name[:60]}@evil.test")
        CollaborationFactory(app=company.web, person=person)
    AppFactory(name="=evil\u202e()", project=company.shop, scope=company.api.scope)
    return company


# --- reading them ---------------------------------------------------------------------------------


def rows_of_json(data):
    return json.loads(data)["rows"]


def rows_of_csv(data, delimiter=","):
    """Without the lines after the rows, which no row begins like."""
    lines = data.decode("utf-8-sig").split("\n")
    table = "\n".join(line for line in lines if not line.startswith("#"))
    return list(csv.DictReader(io.StringIO(table, newline=""), delimiter=delimiter, strict=True))


def rows_of_xlsx(data):
    sheet = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]
    head, *rows = sheet.iter_rows()
    names = [cell.value.removesuffix(" (UTC)") for cell in head]
    return [dict(zip(names, row, strict=True)) for row in rows]


def manifest_of_xlsx(data):
    sheet = openpyxl.load_workbook(io.BytesIO(data))["Manifest"]
    return [(name.value, words.value) for name, words in sheet.iter_rows(max_col=2)]


def text_of_pdf(data, tmp_path):
    """Blanks and lines taken out."""
    return squeezed(read_pdf(data, tmp_path))


def read_pdf(data, tmp_path):
    """As poppler reads it where there is one, else as pypdf does."""
    if shutil.which("pdftotext"):
        (tmp_path / "read.pdf").write_bytes(data)
        done = subprocess.run(
            ["pdftotext", "-raw", tmp_path / "read.pdf", "-"], check=True, capture_output=True
        )
        return done.stdout.decode()
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages)


def squeezed(text):
    return "".join(text.split())


# --- the same everywhere --------------------------------------------------------------------------


def in_csv(column, value):
    if value is None:
        return ""
    if column["kind"] == "boolean":
        return "true" if value else "false"
    if column["kind"] == "instant":
        return f"{value[:19]}Z"
    return neutral.neutral(value) if column["kind"] == "text" else str(value)


def in_xlsx(column, value):
    if value is None or value == "":
        return None
    if column["kind"] == "instant":
        return datetime.fromisoformat(value).astimezone(UTC).replace(microsecond=0, tzinfo=None)
    return neutral.neutral(value) if column["kind"] == "text" else value


@pytest.mark.parametrize("name", ["access-by-app", "access-by-person", "privileged"])
def test_every_format_has_the_rows_and_the_totals_of_the_json(hostile, made, name, tmp_path):
    _, data = made(name, "json")
    whole = json.loads(data)
    columns, rows = whole["manifest"]["columns"], whole["rows"]
    assert len(rows) == whole["rows_written"] == whole["manifest"]["row_count"] > 5
    equations = whole["manifest"]["control_totals"]["equations"]

    _, text = made(name, "csv")
    assert rows_of_csv(text) == [
        {column["name"]: in_csv(column, row[column["name"]]) for column in columns} for row in rows
    ]
    for equation in equations:
        assert f"# control total: {equation}\n".encode() in text

    _, book = made(name, "xlsx")
    assert [{name: cell.value for name, cell in row.items()} for row in rows_of_xlsx(book)] == [
        {column["name"]: in_xlsx(column, row[column["name"]]) for column in columns} for row in rows
    ]
    said = manifest_of_xlsx(book)
    assert [words for name, words in said if name == "control total"][:-1] == equations

    _, pages = made(name, "pdf")
    read = text_of_pdf(pages, tmp_path)
    places = [read.find(squeezed(printed._spelled(printed.shown(row["email"])))) for row in rows]
    assert -1 not in places
    for equation in equations:
        assert squeezed(equation) in read


def test_the_json_keeps_every_byte_and_is_canonical(hostile, made):
    _, data = made("access-by-app", "json")
    assert set(HOSTILE) <= {row["username"] for row in rows_of_json(data)}
    assert data.decode() == canonical(json.loads(data))


def test_no_cell_of_a_table_is_a_formula_or_ends_a_line(hostile, made):
    _, text = made("access-by-app", "csv")
    cells = [cell for row in rows_of_csv(text) for cell in row.values()]
    _, book = made("access-by-app", "xlsx")
    kept = [cell for row in rows_of_xlsx(book) for cell in row.values()]
    assert all(cell.data_type != "f" for cell in kept)
    cells += [cell.value for cell in kept if cell.data_type == "s"]
    assert len(cells) > 500
    for cell in cells:
        assert not cell.startswith(FORMULA), cell
        assert not set(cell) & neutral.UNSEEN, cell
    assert f"# {neutral.SAID}".encode() in text
    assert ("text of others", str(neutral.SAID)) in manifest_of_xlsx(book)


def test_sql_and_python_neutralise_alike(db):
    texts = [*HOSTILE, "", "plain", "é", "a=1", *map(chr, range(1, 0x500)), *neutral.UNSEEN]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {neutral.neutral_sql('said')} FROM unnest(%s::text[])"  # noqa: S608
            " WITH ORDINALITY t(said, n) ORDER BY n",
            [texts],
        )
        assert [row[0] for row in cursor.fetchall()] == [neutral.neutral(text) for text in texts]


# --- CSV ------------------------------------------------------------------------------------------


def test_a_csv_can_have_semicolons_and_a_byte_order_mark(hostile, made):
    _, data = made("access-by-app", options=Options(bom=True, semicolon=True))
    assert data.startswith(b"\xef\xbb\xbfregion;owner_account;")
    _, plain = made("access-by-app")
    assert rows_of_csv(data, ";") == rows_of_csv(plain)


def test_a_csv_that_was_cut_or_changed_is_told_by_its_last_line(hostile, made):
    found, data = made("access-by-app")
    before, _, last = data.rstrip(b"\n").rpartition(b"\n")
    assert last == b"# sha256 of all before this line: " + _sum(before + b"\n")
    assert hashlib.sha256(data).hexdigest() == found.sha256
    assert len(data) == found.bytes
    for cut in (len(data) - 1, len(data) // 2, 300):
        before, _, last = data[:cut].rstrip(b"\n").rpartition(b"\n")
        assert last != b"# sha256 of all before this line: " + _sum(before + b"\n") or (
            cut == len(data) - 1  # without its last newline nothing is missing
        )


def _sum(data):
    return hashlib.sha256(data).hexdigest().encode()


def test_a_csv_says_when_from_what_and_how_much(company, made):
    _, data = made("access-by-app", filters={"role": ("owner",)})
    said = [line for line in data.decode().splitlines() if line.startswith("#")]
    text = "\n".join(said)
    assert "# generated at: 20" in text
    assert "# data as of, osc-fr1: 20" in text
    assert "# stale apps: 0 / 4" in text
    assert "# filters: Role: Owner\n" in text
    assert "# rows: 4" in text


# --- XLSX and PDF ---------------------------------------------------------------------------------


def test_a_sheet_has_a_head_that_stays_filters_and_types(company, made):
    _, data = made("access-by-app", "xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == f"A1:{sheet.cell(1, sheet.max_column).column_letter}10"
    row = rows_of_xlsx(data)[0]
    assert row["access_since"].is_date
    assert row["privileged"].data_type == "b"


def test_a_sheet_says_that_its_times_are_in_utc(company, made):
    _, data = made("access-by-app", "xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]
    head, first = map(list, sheet.iter_rows(max_row=2))
    times = [name.value for name, cell in zip(head, first, strict=True) if cell.is_date]
    assert "access_since (UTC)" in times
    assert all(name.endswith(" (UTC)") for name in times)
    said = manifest_of_xlsx(data)
    assert ("times", "All times are in UTC.") in said
    assert "column access_since (UTC)" in [name for name, _words in said]


def test_a_pdf_is_tagged_paged_and_repeats_its_head(company, made, tmp_path):
    app = company.api
    for number in range(120):
        CollaborationFactory(app=app, person=PersonFactory(username=f"person {number}"))
    _, data = made("access-by-app", "pdf")
    document = pypdf.PdfReader(io.BytesIO(data))
    assert document.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert document.trailer["/Root"]["/Lang"]
    assert b"pdfuaid" in data
    pages = [page.extract_text() for page in document.pages]
    assert len(pages) > 3
    assert "population 129 = owners 4" in pages[0]
    for number, page in enumerate(pages, start=1):
        assert f"{number}/{len(pages)}" in squeezed(page)
        assert number == 1 or str(access.BY_APP.column("email").label) in page


def test_what_no_font_has_is_written_as_its_number(company, made, tmp_path):
    CollaborationFactory(app=company.api, person=PersonFactory(username="日本"))
    _, data = made("access-by-app", "pdf")
    assert "<U+65E5><U+672C>" in text_of_pdf(data, tmp_path)


@pytest.mark.parametrize("name", ["access-by-app", "access-by-person", "privileged", "two-factor"])
def test_an_address_is_found_in_a_pdf_as_it_is(company, made, tmp_path, name):
    """Also one that is longer than what its column would have if all were as wide."""
    addresses = ["wei.zhang@brumelle.example", "maximiliane.obermeier@partner.example"]
    for address in addresses:
        person = PersonFactory(username=address.partition("@")[0], email=address)
        CollaborationFactory(app=company.api, person=person, role="collaborator")
    _, data = made(name, "pdf")
    read = read_pdf(data, tmp_path)
    for address in addresses:
        assert address in read
    assert "\u200b" not in read


def test_a_pdf_of_movers_says_how_long_each_step_took(acting, made, tmp_path):
    since = acting.now - timedelta(minutes=1)
    acting.world.remove("billing-api", "lim@acme.example")
    acting.sync()
    _, data = made("movers", "json", since=since, at=acting.now)
    left = next(row for row in rows_of_json(data) if row["what"] == "left")
    assert left["left_to_gone_seconds"] == 600

    _, data = made("movers", "pdf", since=since, at=acting.now)
    read = read_pdf(data, tmp_path)
    assert "10 min" in read.replace("\u00a0", " ")
    for head in ("Invited to accepted", "Asked to told", "Told to verified", "Left to rotated"):
        assert squeezed(head) in squeezed(read)
    assert left["happened_at"][:10] in read


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, ""),
        (0, "0 s"),
        (59, "59 s"),
        (600, "10 min"),
        (3_661, "1 h 1 min"),
        (273_600, "3 d 4 h"),
        (86_405, "1 d"),
        (-90, "\u22121 min 30 s"),
    ],
)
def test_how_long_on_paper(seconds, said):
    assert printed.span(seconds).replace("\u00a0", " ") == said


def test_columns_are_as_wide_as_what_stands_in_them():
    head = ["What", "E-mail", "Days"]
    rows = [["joined", "maximiliane.obermeier@partner.example", "7"]] * 3
    across = widths.shared(head, rows)
    assert sum(across) == pytest.approx(widths.PAGE)
    assert across[1] > 3 * across[0] > 3 * across[2]
    assert widths.broken(rows[0], across) == rows[0]


def test_where_not_all_fit_the_longest_give_way_and_are_broken_at_a_joint():
    rows = [["x" * 200 + "@example.com", "ok", *["2026-03-14 10:02:11"] * 12]]
    across = widths.shared(["A", "B", *"CDEFGHIJKLMN"], rows)
    assert sum(across) == pytest.approx(widths.PAGE, abs=1)
    found = widths.broken(rows[0], across)
    assert found[1:] == rows[0][1:]
    assert found[0].replace(widths.MARK, "") == rows[0][0]
    for part in found[0].split(widths.MARK):
        assert widths.length(part) < across[0]
    assert widths.MARK + "example.com" in found[0] or "@example.com" in found[0]


def _lines(data, tmp_path):
    """Of each line of each page where its words begin and end, in points."""
    (tmp_path / "boxes.pdf").write_bytes(data)
    done = subprocess.run(
        ["pdftotext", "-bbox", tmp_path / "boxes.pdf", "-"], check=True, capture_output=True
    )
    found = {}
    for number, page in enumerate(done.stdout.decode().split("<page")):
        for x, y, end in re.findall(r'<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)"', page):
            found.setdefault((number, y), []).append((float(x), float(end)))
    return found.values()


@pytest.mark.skipif(not shutil.which("pdftotext"), reason="poppler-utils are not installed")
def test_a_word_longer_than_its_column_is_broken_and_covers_no_other(company, made, tmp_path):
    name = "averylongname" * 6
    CollaborationFactory(app=company.api, person=PersonFactory(username=name))
    _, data = made("privileged", "pdf")
    assert name in text_of_pdf(data, tmp_path)
    assert 1 < len(re.findall(r"(?:averylongname)?[a-z]{15,}", read_pdf(data, tmp_path))) <= 8
    _assert_nothing_is_covered(data, tmp_path)


@pytest.mark.skipif(not shutil.which("pdftotext"), reason="poppler-utils are not installed")
def test_letters_written_as_numbers_cover_no_other(company, made, tmp_path):
    CollaborationFactory(app=company.api, person=PersonFactory(username="\u65e5\u672c\u8a9e" * 20))
    _, data = made("access-by-app", "pdf")
    _assert_nothing_is_covered(data, tmp_path)


def _assert_nothing_is_covered(data, tmp_path):
    for line in _lines(data, tmp_path):
        for (_, end), (start, _) in pairwise(sorted(line)):
            assert end <= start + 0.1
