"""The sandbox's certificate authority."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography import x509

from sandbox.certificates import CertificateAuthority
from sandbox.errors import SandboxError


def _alternative_names(certificate: Path) -> list[str]:
    parsed = x509.load_pem_x509_certificate(certificate.read_bytes())
    names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in names]


def test_it_is_made_once_and_its_key_is_its_owners(tmp_path: Path) -> None:
    made = CertificateAuthority(tmp_path / "ca").create()
    first = made.certificate.read_bytes()
    assert CertificateAuthority(tmp_path / "ca").create().certificate.read_bytes() == first
    assert made.key.stat().st_mode & 0o777 == 0o600
    assert made.certificate.stat().st_mode & 0o777 == 0o644


def test_a_server_has_loopback_and_its_own_name(tmp_path: Path) -> None:
    issued = CertificateAuthority(tmp_path / "ca").create().issue(tmp_path, ["database.example.com"])
    assert _alternative_names(issued.certificate) == ["localhost", "127.0.0.1", "database.example.com"]
    assert issued.key.stat().st_mode & 0o777 == 0o600


def test_clients_trust_what_it_issues_and_nothing_else(tmp_path: Path) -> None:
    ours, other = CertificateAuthority(tmp_path / "a").create(), CertificateAuthority(tmp_path / "b").create()
    issued = ours.issue(tmp_path)
    assert _verifies(ours, issued.certificate, issued.key)
    assert not _verifies(other, issued.certificate, issued.key)


def _verifies(authority: CertificateAuthority, certificate: Path, key: Path) -> bool:
    """A TLS handshake in memory, with the name checked."""
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate, key)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context(cafile=str(authority.certificate)).wrap_bio(
        to_client, to_server, server_hostname="127.0.0.1"
    )
    server = server_side.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                return False
    return True


def test_half_an_authority_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    made = CertificateAuthority(tmp_path).create()
    made.key.unlink()
    with pytest.raises(SandboxError, match="remove the other one"):
        CertificateAuthority(tmp_path).create()
