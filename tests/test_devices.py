"""What a CPU says of itself."""

import pytest
import torch

from visionfail import devices

X86 = "processor\t: 0\nflags\t\t: fpu sse2 avx512f {}\nbugs\t\t: none\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd {}\n"


def told_by_torch(monkeypatch, **capabilities):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)


def told_by_linux(monkeypatch, tmp_path, text):
    """torch says nothing, as before 2.10; Linux this."""
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    path = tmp_path / "cpuinfo"
    path.write_text(text)
    monkeypatch.setattr(devices, "CPUINFO", path)


def test_int8_instructions_are_those_that_torch_found(monkeypatch, tmp_path):
    told_by_linux(monkeypatch, tmp_path, X86.format("avx_vnni"))
    told_by_torch(monkeypatch, avx512_vnni=True, amx_int8=True, avx_vnni=False, cpu_name="X")
    assert devices.int8_instructions() == ("avx512_vnni", "amx_int8")
    told_by_torch(monkeypatch, avx2=True)
    assert devices.int8_instructions() == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (X86.format("avx512_vnni amx_int8"), ("avx512_vnni", "amx_int8")),
        (X86.format(""), ()),
        (ARM.format("asimddp i8mm"), ("asimddp", "i8mm")),
        ("", ()),
    ],
)
def test_an_older_torch_leaves_it_to_linux(monkeypatch, tmp_path, text, expected):
    told_by_linux(monkeypatch, tmp_path, text)
    assert devices.int8_instructions() == expected


def test_without_either_none_are_named(monkeypatch, tmp_path):
    told_by_linux(monkeypatch, tmp_path, "")
    devices.CPUINFO.unlink()
    assert devices.int8_instructions() == ()
