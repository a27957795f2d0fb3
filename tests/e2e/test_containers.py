# SPDX-License-Identifier: Apache-2.0
"""TLS libraries wherever a program has them from: the roots of containers, one of them musl's, files that were deleted or
replaced, memory, overlayfs. Everywhere both ends are seen, once, and the library is named."""
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

from harness import PEERS, ROOT, assert_whole, briefs, children_of, run, wait_until

PAIR = PEERS / "tls_pair"
# The propagation of / stays as it is: see test_namespaces.py.
CONTAINER = ["unshare", "--user", "--map-root-user", "--mount", "--propagation", "unchanged", "--net", "--pid", "--fork",
             "--kill-child"]


class Pair:
    """peers/tls_pair.c: ask() has the client say one thing to the server."""

    def __init__(self, *words, **more):
        self.process = subprocess.Popen([*map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **more)
        assert self.process.stdout.readline() == "ready\n", words
        (self.client,) = children_of(self.process.pid) if words[0] == "unshare" else [self.process.pid]
        (self.server,) = children_of(self.client)

    def ask(self, path):
        self.process.stdin.write(path + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == path + "\n"


@pytest.fixture
def pairs(certificates):
    """pairs.inside(ROOT) runs one in namespaces of its own, pairs.here(…) without."""
    class Pairs:
        made = []

        def here(self, **more):
            self.made.append(Pair(PAIR, certificates / "cert.pem", certificates / "key.pem", **more))
            return self.made[-1]

        def inside(self, root):
            (own,) = root.glob("own-*")
            self.made.append(Pair(*CONTAINER, "chroot", root, f"/{own.name}/pair", "/cert.pem", "/key.pem",
                                  env={**os.environ, "LD_LIBRARY_PATH": f"/{own.name}"}))
            return self.made[-1]

    yield Pairs()
    for one in Pairs.made:
        one.process.stdin.close()
        assert one.process.wait(30) == 0


def make_root(folder, certificates, files):
    """A root that has copies of these {path in it: file}. What hark may probe is in a folder whose name is only there: it
    tells of a file by the path that the process has for it, or that it has itself."""
    own = f"own-{os.getpid()}-{folder.parent.name}-{folder.name}"
    files = {**{place.replace("OWN", own): file for place, file in files.items()}, "cert.pem": certificates / "cert.pem", "key.pem": certificates / "key.pem"}
    for place, file in files.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, folder / place)
    return folder


def glibc_files():
    """The pair and what its loader maps."""
    maps = re.findall(r"(/\S+) \(0x", run("ldd", PAIR).text)
    places = {path: "OWN/libssl.so.3" if "libssl" in path else path.lstrip("/") for path in maps}
    return {"OWN/pair": PAIR, **{place: path for path, place in places.items()}}


@pytest.fixture(scope="module")
def musl():
    """The pair with musl and an OpenSSL for it, {name: the files of a root}: a library, or within the program."""
    folder = ROOT / "build/peers/musl"
    done = subprocess.run([str(ROOT / "scripts/unpack-debian"), "bookworm", str(folder), "libssl-dev"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
    sources = ROOT / "tests/e2e/peers"
    libs, include = folder / "usr/lib/x86_64-linux-gnu", folder / "usr/include"
    shutil.copytree(include / "x86_64-linux-gnu/openssl", include / "openssl", dirs_exist_ok=True)
    compiler = ["musl-gcc", "-O1", "-fPIC", "-I", include]
    pair, whole, library = folder / "pair", folder / "pair-static", folder / "libssl.so.3"
    run(*compiler, "-shared", "-o", library, "-Wl,-soname,libssl.so.3", "-Wl,--whole-archive", libs / "libssl.a",
        "-Wl,--no-whole-archive", sources / "musl/glibc.c", libs / "libcrypto.a")
    run(*compiler, "-o", pair, sources / "tls_pair.c", library)
    run(*compiler, "-static", "-o", whole, sources / "tls_pair.c", sources / "musl/glibc.c", libs / "libssl.a",
        libs / "libcrypto.a")
    loader = re.search(r"interpreter: /([^\]]+)", run("readelf", "-l", pair).text)[1]
    libc = f"/{loader}"  # one file is both
    return {"musl": {"OWN/pair": pair, "OWN/libssl.so.3": library, "lib/libc.so": libc, loader: libc},
            "static": {"OWN/pair": whole}}


def probed(watch, text, count=1):
    """Waits until hark has said so often that it probes a file whose name has this in it."""
    wait_until(lambda: sum("probing " in line and text in line for line in list(watch.talk)) >= count, f"probes on {text}")


def own_name(root):
    (own,) = root.glob("own-*")
    return f"/{own.name}/"


def assert_seen(watch, pair, path):
    for pid, role in ((pair.client, "client"), (pair.server, "server")):
        watch.wait_for(1, pid)
        seen = watch.of(pid)
        assert briefs(seen) == [f"GET {path} 200 0 5"], (path, role)
        assert [(one["hark.role"], one["tls.library"], one["tls"]) for one in seen] == [(role, "openssl", True)]
        assert_whole(seen)


def test_containers(hark, pairs, musl, certificates, tmp_path):
    """Three, in mount, pid, network and user namespaces, of glibc and of musl, each with its own copy of OpenSSL: those
    that were there, and those that come."""
    kinds = {"glibc": glibc_files(), **musl}
    before = {name: pairs.inside(make_root(tmp_path / "before" / name, certificates, files)) for name, files in kinds.items()}
    with hark("--debug") as watch:
        after = {}
        for name, files in kinds.items():
            root = make_root(tmp_path / "after" / name, certificates, files)
            after[name] = pairs.inside(root)
            probed(watch, own_name(root))
        for pair in [*before.values(), *after.values()]:
            pair.ask(f"/{pair.client}")
        for pair in [*before.values(), *after.values()]:
            assert_seen(watch, pair, f"/{pair.client}")


def test_files_without_a_name(hark, pairs, certificates, tmp_path):
    """Deleted after they were mapped, as what unpacks itself does it; replaced by an upgrade; never in a folder."""
    files = glibc_files()
    roots = {name: make_root(tmp_path / name, certificates, files) for name in ("deleted", "unpacked", "replaced")}
    said = {"deleted": pairs.inside(roots["deleted"]), "old": pairs.inside(roots["replaced"])}
    shutil.rmtree(roots["deleted"])
    with contextlib.closing(os.fdopen(os.memfd_create("own-libssl"), "wb")) as memory, hark("--debug") as watch:
        unpacked, replaced = own_name(roots["unpacked"]), own_name(roots["replaced"])
        said["unpacked"] = pairs.inside(roots["unpacked"])
        shutil.rmtree(roots["unpacked"])
        probed(watch, unpacked)
        library = roots["replaced"] / replaced.strip("/") / "libssl.so.3"
        shutil.copy(library, tmp_path / "new")
        os.rename(tmp_path / "new", library)
        said["new"] = pairs.inside(roots["replaced"])
        probed(watch, replaced, 2)
        memory.write(library.read_bytes())
        memory.flush()
        said["memory"] = pairs.here(pass_fds=[memory.fileno()], env={"LD_PRELOAD": f"/proc/self/fd/{memory.fileno()}"})
        probed(watch, "/memfd:own-libssl")
        for name, pair in said.items():
            pair.ask(f"/{name}")
        for name, pair in said.items():
            assert_seen(watch, pair, f"/{name}")


@pytest.fixture
def overlays(tmp_path):
    """overlays(FOLDER, COUNT) mounts so many over copies of this folder, which they share; on a file system of their own."""
    back = pathlib.Path(tempfile.mkdtemp(dir=tmp_path))
    mounted = []

    def mount(*words):
        run("mount", *words)
        mounted.append(words[-1])

    def make(folder, count):
        mount("-t", "tmpfs", "none", back)
        shutil.copytree(folder, back / "lower")
        for i in range(count):
            for name in ("upper", "work", "merged"):
                (back / f"{name}{i}").mkdir()
            mount("-t", "overlay", "none", "-o", f"lowerdir={back}/lower,upperdir={back}/upper{i},workdir={back}/work{i}",
                  back / f"merged{i}")
        return [back / f"merged{i}" for i in range(count)]

    yield make
    for place in reversed(mounted):
        run("umount", place)


def test_overlays(hark, pairs, overlays, certificates, tmp_path):
    """Two containers of one image share its file, which is probed once; what one of them changes is a file of its own
    from then on, though its name, its number and its time of modification stay."""
    first, second = overlays(make_root(tmp_path / "image", certificates, glibc_files()), 2)
    library = f"{own_name(first).strip('/')}/libssl.so.3"
    said = {"shared": pairs.inside(first)}
    with hark("--debug") as watch:
        said["shared-too"] = pairs.inside(second)
        before = os.stat(first / library)
        os.chmod(first / library, 0o700)
        after = os.stat(first / library)
        assert (before.st_ino, before.st_dev, before.st_mtime_ns) == (after.st_ino, after.st_dev, after.st_mtime_ns)
        said["own"] = pairs.inside(first)
        probed(watch, library, 2)
        os.chmod(first / library, 0o755)  # the same file as before
        said["own-too"] = pairs.inside(first)
        for name, pair in said.items():
            pair.ask(f"/{name}")
        for name, pair in said.items():
            assert_seen(watch, pair, f"/{name}")
