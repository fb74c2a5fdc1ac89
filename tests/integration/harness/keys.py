"""OpenPGP keys of a test repository's signer, in a GnuPG home of their own; and a certificate authority for https mirrors."""
import os
import pathlib
import shutil

from .processes import run


class SigningKey:
    def __init__(self, home, name, household, algorithm="ed25519", options=(), expires="never"):
        """`options`: more of gpg's when the key is made."""
        self.home, self.name = pathlib.Path(home), name
        self.home.mkdir(mode=0o700, parents=True)
        household.add(self.close)
        self.gpg(*options, "--passphrase", "", "--quick-gen-key", f"{name} <{name}@packswarm.invalid>", algorithm, "sign", expires)
        listing = self.gpg("--with-colons", "--list-keys").stdout
        self.fingerprint = next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr"))

    def gpg(self, *args):
        return run(["gpg", "--homedir", self.home, "--batch", "--yes", "--quiet", "--pinentry-mode", "loopback", *args])

    def export(self, path, armor=False):
        self.gpg(*(["--armor"] if armor else []), "--output", path, "--export", self.fingerprint)
        os.chmod(path, 0o644)
        return pathlib.Path(path)

    def clearsign(self, source, target):
        self.gpg("--local-user", self.fingerprint, "--output", target, "--clearsign", source)

    def detach(self, source, target, armor=False):
        self.gpg("--local-user", self.fingerprint, *(["--armor"] if armor else ["--no-armor"]), "--output", target, "--detach-sign", source)

    def close(self):
        run(["gpgconf", "--homedir", self.home, "--kill", "all"], check=False)


def pacman_keyring(folder, keys, household):
    """A keyring folder as pacman-key leaves it: public keys, and full trust in each."""
    folder = pathlib.Path(folder)
    folder.mkdir(mode=0o755, parents=True)
    household.add(lambda: run(["gpgconf", "--homedir", folder, "--kill", "all"], check=False))
    for key in keys:
        public = folder / f"{key.name}.asc"
        key.export(public, armor=True)
        run(["gpg", "--homedir", folder, "--batch", "--quiet", "--import", public])
        run(["gpg", "--homedir", folder, "--batch", "--quiet", "--import-ownertrust"], stdin=f"{key.fingerprint}:6:\n")
    run(["gpg", "--homedir", folder, "--batch", "--quiet", "--check-trustdb"], check=False)
    run(["gpgconf", "--homedir", folder, "--kill", "all"], check=False)
    for file in folder.iterdir():
        if file.is_file():
            file.chmod(0o644)
    shutil.rmtree(folder / "private-keys-v1.d", ignore_errors=True)
    return folder


class Authority:
    """Signs certificates for addresses of the test network."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.certificate = self.folder / "ca.pem"
        self._openssl("req", "-x509", "-subj", "/CN=packswarm test authority", "-days", "2", "-keyout", self.folder / "ca.key", "-out", self.certificate)
        self.certificate.chmod(0o644)

    def issue(self, address):
        """Returns (certificate, key) for an address."""
        key, request, certificate, extra = (self.folder / f"{address}.{end}" for end in ("key", "csr", "pem", "ext"))
        self._openssl("req", "-subj", f"/CN={address}", "-keyout", key, "-out", request)
        extra.write_text(f"subjectAltName=IP:{address}\nextendedKeyUsage=serverAuth,clientAuth\n")
        run(["openssl", "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.folder / "ca.key", "-CAcreateserial", "-days", "2",
             "-extfile", extra, "-out", certificate])
        return certificate, key

    def issued(self, address):
        """The certificate and key of an address, issued once."""
        certificate, key = self.folder / f"{address}.pem", self.folder / f"{address}.key"
        return (certificate, key) if certificate.exists() else self.issue(address)

    def revoke(self, address, target):
        """A revocation list that names the certificate of an address; returns where it is."""
        config = self.folder / "ca.cnf"
        (self.folder / "index.txt").touch()
        config.write_text(f"[ca]\ndefault_ca=lab\n[lab]\ndatabase={self.folder}/index.txt\ndefault_md=sha256\n")
        common = ["openssl", "ca", "-config", config, "-cert", self.certificate, "-keyfile", self.folder / "ca.key"]
        run([*common, "-revoke", self.issued(address)[0]])
        run([*common, "-gencrl", "-crldays", "2", "-out", target])
        target.chmod(0o644)
        return target

    @staticmethod
    def _openssl(*args):
        run(["openssl", *args, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
