"""What the documentation says about the bytes is what is done."""

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from governance.audit import checkpoints, signing
from governance.audit.models import Event, Personal
from governance.audit.verify import FaultKind, verify

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "audit-chain.md").read_text(encoding="utf-8")


def block(language):
    return re.search(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)[1]


def documented_program(lines):
    """What the program of the documentation says about `lines`."""
    return subprocess.run(
        [sys.executable, "-c", block("python")],
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_documented_program_accepts_the_documented_lines():
    lines = block("json").splitlines()

    done = documented_program(lines)

    assert done.stdout.split() == ["2", hashlib.sha256(lines[1].encode()).hexdigest()]


def test_the_documented_program_accepts_a_real_log_and_finds_an_edit(log):
    lines = list(Event.objects.order_by("sequence").values_list("line", flat=True))

    assert documented_program(lines).stdout.split()[0] == "12"

    lines[5] = lines[5].replace("Ana", "Bea")
    assert documented_program(lines).returncode == 1


def test_the_documented_commitment_is_that_of_the_documented_fields():
    salt = bytes.fromhex(re.search(r"salt `([0-9a-f]{64})`", TEXT)[1])
    fields = re.search(r"fields `(\{.*?\})`", TEXT)[1]

    assert hashlib.sha256(salt + fields.encode()).hexdigest() in block("json")


def test_every_kind_of_fault_is_named():
    sentence = " ".join(TEXT.split("names **all** faults by kind:")[1].split(".")[0].split())

    assert sentence == ", ".join(
        label[0].lower() + label[1:] for label in map(str, FaultKind.labels)
    )


def test_erasing_is_shown_first_and_done_with_apply(log, capsys):
    somebody = str(Event.objects.filter(commitment__isnull=False)[0].person_id)
    kept = Personal.objects.filter(fields__isnull=False).count()

    call_command("erase_personal", somebody)
    said = capsys.readouterr().out
    assert said.startswith("Events with a personal part: 1. Erase it with --apply.\n")
    assert Personal.objects.filter(fields__isnull=False).count() == kept

    call_command("erase_personal", somebody, "--apply")
    assert Personal.objects.filter(fields__isnull=False).count() == kept - 1
    assert verify().faults == ()


def test_the_documented_commands_check_a_checkpoint(log, now, tmp_path):
    """As they stand on the page, with a real checkpoint."""
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl here")
    checkpoint = checkpoints.take(
        private=settings.AUDIT_SIGNING_KEY, origin=settings.AUDIT_ORIGIN, at=now
    )
    (tmp_path / "note.checkpoint").write_text(checkpoint.note)
    public = signing.public_key_of(settings.AUDIT_SIGNING_KEY)
    (tmp_path / "key.pem").write_text(signing.public_pem(public))
    command = re.search(r"```sh\n(sed .*?)```", TEXT, re.DOTALL)[1]

    done = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert "Signature Verified Successfully" in done.stdout
