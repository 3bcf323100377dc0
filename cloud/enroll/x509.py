"""Keys, certificates and the revocation list: what is signed, never where it is stored."""

import ipaddress
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from enroll.settings import is_address

Key = ec.EllipticCurvePrivateKey
Certificate = x509.Certificate

AUTHORITY_NAME = "usbcam"
AUTHORITY_DAYS = 30 * 365
SERVER_DAYS = 5 * 365  # only `docker compose up` renews it, and a broker may run for years
EDGE_DAYS = 3 * 365
NOT_BEFORE_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # the day on which an edge without a battery for its clock starts


def new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def self_sign_ca(key: Key) -> Certificate:
    """Sign the authority's own certificate."""
    name = _name(AUTHORITY_NAME)
    usage = _usage(signs_certificates=True)
    builder = _builder(name, key.public_key(), AUTHORITY_DAYS).issuer_name(name)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(usage, critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return builder.sign(key, hashes.SHA256())


def sign_server(authority: Key, public: ec.EllipticCurvePublicKey, hosts: Iterable[str]) -> Certificate:
    """Sign the broker's certificate for all these hosts."""
    names = x509.SubjectAlternativeName([_host(host) for host in hosts])
    builder = _signed_by(authority, _builder(_name("cloud-broker"), public, SERVER_DAYS))
    builder = builder.add_extension(names, critical=False)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(authority, hashes.SHA256())


def sign_edge(authority: Key, public: ec.EllipticCurvePublicKey, name: str, days: int = EDGE_DAYS) -> Certificate:
    """Sign an edge's certificate: its common name is its user name at the broker, its other name its client ID."""
    builder = _signed_by(authority, _builder(_name(name), public, days))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    return builder.sign(authority, hashes.SHA256())


def sign_crl(authority: Key, serials: Iterable[int]) -> bytes:
    """Sign the list of revoked certificates, as PEM. With an expired list no edge could connect."""
    now = datetime.now(UTC)
    builder = x509.CertificateRevocationListBuilder().issuer_name(_name(AUTHORITY_NAME))
    builder = builder.last_update(NOT_BEFORE_EPOCH).next_update(now + timedelta(days=AUTHORITY_DAYS))
    for serial in serials:
        revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now)
        builder = builder.add_revoked_certificate(revoked.build())
    return builder.sign(authority, hashes.SHA256()).public_bytes(Encoding.PEM)


def revoked_serials(pem: bytes) -> set[int]:
    return {entry.serial_number for entry in x509.load_pem_x509_crl(pem)}


def key_pem(key: Key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def certificate_pem(certificate: Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def read_key(pem: bytes) -> Key:
    key = load_pem_private_key(pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("not an elliptic-curve key")
    return key


def read_certificate(pem: bytes) -> Certificate:
    return x509.load_pem_x509_certificate(pem)


def hosts_of(certificate: Certificate) -> set[str]:
    """The hosts for which a server certificate is valid."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = {str(address) for address in names.get_values_for_type(x509.IPAddress)}
    return addresses | set(names.get_values_for_type(x509.DNSName))


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _host(host: str) -> x509.GeneralName:
    return x509.IPAddress(ipaddress.ip_address(host)) if is_address(host) else x509.DNSName(host)


def _builder(subject: x509.Name, public: ec.EllipticCurvePublicKey, days: int) -> x509.CertificateBuilder:
    end = datetime.now(UTC) + timedelta(days=days)
    builder = x509.CertificateBuilder().subject_name(subject).public_key(public)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(NOT_BEFORE_EPOCH).not_valid_after(end)


def _signed_by(authority: Key, builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    builder = builder.issuer_name(_name(AUTHORITY_NAME))
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())
    return builder.add_extension(identifier, critical=False)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
