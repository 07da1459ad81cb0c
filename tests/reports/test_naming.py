"""The header that names a file is one line with one name, whatever the name is."""

import random
from email.message import Message
from email.utils import collapse_rfc2231_value

import pytest
from django.http import HttpResponse

from governance.reports.making import file_name
from governance.reports.naming import attachment
from governance.reports.registers.base import Asked
from tests.factories import ExportFactory

PARTS = [
    "\r\nSet-Cookie: a=b", "\n\n<html>", "\r", '"', '"; filename="evil.exe', "; x=y", "\\", "../",
    "..\\", "/etc/passwd", "%0d%0aX: y", "\u2028", "\u202etxt.exe", "\u65e5\u672c", "\U0001f600",
    "\u00e9", "'", "*=UTF-8''x", " ", "report", ".csv", "\x01", "\x7f", "\x85", "a" * 90,
]  # fmt: skip


def names(number=500):
    chance = random.Random(20)
    return ["".join(chance.choices(PARTS, k=chance.randrange(1, 6))) for _ in range(number)]


def test_no_name_of_500_splits_a_header():
    for name in names():
        response = HttpResponse(headers={"Content-Disposition": attachment(name)})

        lines = response.serialize_headers().split(b"\r\n")
        assert len(lines) == 2, name  # with the type of its content
        line = next(one for one in lines if one.startswith(b"Content-Disposition"))
        assert not set(line) & {*range(0x20), 0x7F}, name
        head, _, value = line.decode("ascii").partition(": ")
        read = Message()
        read[head] = value
        assert read.get_content_disposition() == "attachment"
        assert [key for key, _ in read.get_params(header=head)[1:]] == ["filename"], name
        found = collapse_rfc2231_value(read.get_param("filename", header=head))
        assert not set(found) & {"/", "\\", "\r", "\n"}, name


@pytest.mark.django_db
def test_a_file_that_is_called_like_that_is_given_all_the_same(client_of, carol):
    for name in names(5):
        export = ExportFactory(ready=True)
        export.file_name = name[:120]
        export.save()

        answer = client_of(carol).post(f"/reports/exports/{export.pk}/download/")

        assert answer.status_code == 200
        assert answer["Content-Disposition"].startswith("attachment; filename")


def test_what_somebody_asks_for_is_no_part_of_the_name(now):
    for name in names(20):
        asked = Asked("access-by-app", now, is_now=False, everything=True, filters={"q": (name,)})

        assert file_name(asked, "csv") == "access-by-app-20260302T093000Z.csv"
