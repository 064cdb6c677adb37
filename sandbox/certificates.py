"""The sandbox's own certificate authority: what the RDS CA bundle is to a client of the real service.

Clients connect with ``sslmode=verify-full`` and this authority's certificate; nothing trusts it outside of the sandbox.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandbox.errors import SandboxError

_YEAR = datetime.timedelta(days=365)
# A clock that a container took from a slow host must not make a fresh certificate invalid.
_CLOCK_SKEW = datetime.timedelta(hours=1)
LOOPBACK_NAMES = ("localhost", "127.0.0.1")


@dataclass(frozen=True)
class ServerCertificate:
    """A server's certificate and its private key (mode 0600), both PEM files."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class CertificateAuthority:
    """An authority that lives in ``directory``: ``ca.pem`` is public, ``ca.key`` is 0600."""

    directory: Path

    @property
    def certificate(self) -> Path:
        """What clients trust (``sslrootcert``)."""
        return self.directory / "ca.pem"

    @property
    def key(self) -> Path:
        return self.directory / "ca.key"

    def create(self) -> CertificateAuthority:
        """Make the authority unless it is there already; half of one is an error."""
        if self.certificate.exists() and self.key.exists():
            return self
        if self.certificate.exists() or self.key.exists():
            raise SandboxError(
                f"The certificate authority in {self.directory} is incomplete: one of ca.pem and ca.key is missing; "
                "remove the other one and start again."
            )
        self.directory.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Goliath sandbox CA")])
        certificate = (
            _builder(name, name, key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(authority=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        _write_private(self.key, _key_pem(key))
        _write_public(self.certificate, certificate)
        return self

    def issue(self, directory: Path, names: Sequence[str] = ()) -> ServerCertificate:
        """Write ``server.crt`` and ``server.key`` for loopback and ``names`` into ``directory``."""
        authority_key = serialization.load_pem_private_key(self.key.read_bytes(), password=None)
        if not isinstance(authority_key, ec.EllipticCurvePrivateKey):
            raise SandboxError(f"{self.key} is not the key of this authority; remove {self.directory} and start again.")
        authority = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        key = ec.generate_private_key(ec.SECP256R1())
        every_name = [*LOOPBACK_NAMES, *names]
        certificate = (
            _builder(
                x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, every_name[-1][:64])]),
                authority.subject,
                key.public_key(),
            )
            .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in every_name]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
            )
            .sign(authority_key, hashes.SHA256())
        )
        issued = ServerCertificate(directory / "server.crt", directory / "server.key")
        _write_private(issued.key, _key_pem(key))
        _write_public(issued.certificate, certificate)
        return issued


def _builder(subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + _YEAR)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_private(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _write_public(path: Path, certificate: x509.Certificate) -> None:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    path.chmod(0o644)  # whatever the umask says: other accounts read it
