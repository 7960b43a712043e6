"""A certificate that the court makes for itself: for names that no authority of the internet can check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# Browsers take none that holds longer.
_LASTS = timedelta(days=825)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class MadeCertificate:
    """A certificate and its key, both PEM; `fingerprint` is SHA-256 as browsers show it."""

    certificate: bytes
    key: bytes
    fingerprint: str


def make_certificate(names: Sequence[str], now: datetime) -> MadeCertificate:
    """A certificate for `names`, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _HOUR)
        .not_valid_after(now + _LASTS)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )
    made = builder.sign(key, hashes.SHA256())
    return MadeCertificate(
        certificate=made.public_bytes(Encoding.PEM),
        key=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        fingerprint=made.fingerprint(hashes.SHA256()).hex(":").upper(),
    )


def covers(certificate: bytes, names: Sequence[str], now: datetime) -> bool:
    """Whether a certificate (PEM) holds for a month yet, for all `names`."""
    try:
        known = x509.load_pem_x509_certificate(certificate)
        found = known.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return False
    lasting = known.not_valid_after_utc > now + timedelta(days=30)
    return lasting and set(names) <= set(found.get_values_for_type(x509.DNSName))
