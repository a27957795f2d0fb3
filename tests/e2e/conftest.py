# SPDX-License-Identifier: Apache-2.0
"""The fixtures: hark, and one server of each kind for the whole run."""
import contextlib
import os
import pathlib
import signal
import socket
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import servers  # noqa: E402
from harness import HARK, TOY_HARK, Hark, family_of, run, scratch_folder, wait_until  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes more than ten seconds")
    config.addinivalue_line("markers", "alone: loads the machine, sends what others' counters show, or asserts what others' "
                                       "traffic changes; beside no other test")
    config.addinivalue_line("markers", "xdist_group(name): in one worker, where pytest-xdist is")
    if os.geteuid() != 0:
        pytest.exit("the end-to-end tests need root: hark loads BPF programs", 2)
    if not os.access(HARK, os.X_OK):
        pytest.exit(f"{HARK} is not there: run make first", 2)


def is_controller(config):
    """The process that hands the tests to its workers: it runs none."""
    return bool(getattr(config.option, "numprocesses", 0)) and not hasattr(config, "workerinput")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Tests whose file has fixtures of its own, made once (a load, a server), stay in one worker (--dist loadgroup)."""
    for item in items:
        fixtures = [fixture for defined in item._fixtureinfo.name2fixturedefs.values() for fixture in defined[-1:]]
        if any(fixture.scope == "module" and fixture.baseid for fixture in fixtures):
            item.add_marker(pytest.mark.xdist_group(item.module.__name__))


def pytest_sessionfinish(session):
    """Ends what a test that failed left running: processes that this one started, and theirs."""
    if is_controller(session.config):
        return
    for pid in family_of(os.getpid()) - {os.getpid()}:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def scratch():
    """One folder for the run, outside of pytest's own, which other users may not enter."""
    with scratch_folder("e2e") as folder:
        yield folder


@pytest.fixture(scope="session")
def certificates(scratch):
    folder = scratch / "certificates"
    folder.mkdir()
    servers.make_certificate(folder)
    return folder


@pytest.fixture(scope="session")
def site(scratch):
    return servers.make_site(scratch)


def serve(make, scratch, name, *words, **more):
    folder = scratch / name
    folder.mkdir()
    server = make(folder, *words, **more)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def nginx(scratch, certificates, site):
    yield from serve(servers.Nginx, scratch, "nginx", certificates, site)


@pytest.fixture(scope="session")
def apache(scratch, certificates, site):
    yield from serve(servers.Apache, scratch, "apache", certificates, site)


@pytest.fixture(scope="session")
def nghttpd(scratch, certificates, site):
    yield from serve(servers.Nghttpd, scratch, "nghttpd", certificates, site)


@pytest.fixture(scope="session")
def nghttpd_clear(scratch, certificates, site):
    yield from serve(servers.Nghttpd, scratch, "nghttpd-clear", certificates, site, tls=False)


@pytest.fixture(scope="session")
def python_https(scratch, certificates, site):
    yield from serve(servers.PythonServer, scratch, "python-https", "https", certificates / "cert.pem",
                     certificates / "key.pem", site)


@pytest.fixture(scope="session")
def python_http(scratch, site):
    yield from serve(servers.PythonServer, scratch, "python-http", "http", site)


@pytest.fixture(params=["socket", "syscall"])
def capture(request):
    """Both ways into the kernel."""
    return request.param


@pytest.fixture
def hark(tmp_path):
    """hark(OPTION…) makes one; it runs inside `with`."""
    return lambda *options, **more: Hark(tmp_path, *options, **more)


@pytest.fixture
def toy_hark(hark):
    """hark(OPTION…) of the build with rows of tests/toys (make toy)."""
    def make(*options, **more):
        watch = hark(*options, **more)
        watch.command[0] = str(TOY_HARK)
        return watch
    return make


@pytest.fixture(scope="session")
def localhost():
    """The name, for programs that ask the system: a root as debootstrap leaves it has no file of names."""
    hosts = pathlib.Path("/etc/hosts")
    with contextlib.suppress(OSError):
        socket.getaddrinfo("localhost", None)
        yield "localhost"
        return
    with open(hosts, "x", encoding="ascii") as out:
        out.write("127.0.0.1 localhost\n")
    try:
        yield "localhost"
    finally:
        hosts.unlink()


def cgroup_mounts():
    """Where a cgroup may be made, version 2 first."""
    mounts = [line.split() for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()]
    found = [fields[1] for fields in mounts if fields[2] == "cgroup2"]
    return found + [fields[1] for fields in mounts if fields[2] == "cgroup"
                    and set(fields[3].split(",")) & {"name=systemd", "pids", "freezer"}]


@pytest.fixture
def cgroup():
    """cgroup(NAME) makes one at the first place that takes processes; removed at the end."""
    made = []

    def make(name):
        for mount in cgroup_mounts():
            path = pathlib.Path(mount) / name
            with contextlib.suppress(OSError):
                path.mkdir()
                made.append(path)
                run("sh", "-c", f"echo $$ > {path}/cgroup.procs")
                return path
        raise AssertionError(f"no cgroup can be made in {cgroup_mounts()}")

    yield make
    for path in reversed(made):
        wait_until(lambda path=path: not (path / "cgroup.procs").read_text(), "an empty cgroup")
        path.rmdir()
