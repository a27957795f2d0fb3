# SPDX-License-Identifier: Apache-2.0
"""A TLS session is not the address of its object: busy servers use one again within microseconds."""
import collections

import pytest

from harness import LARGE_RING, run

SHORT = 3000  # connections, each with one exchange


def whole(objects):
    """How many of them were answered, by status, and the flags of all."""
    flags = collections.Counter(flag for one in objects for flag in one.get("hark.flags", []))
    return collections.Counter(one.get("http.response.status_code") for one in objects), flags


@pytest.mark.parametrize("at_once", [1, 20])
def test_addresses_used_again_at_once(hark, nginx, capture, at_once):
    """ab makes and frees an SSL object a connection, and so does nginx."""
    with hark("--capture", capture, "--ring", LARGE_RING, verbose=0) as watch:
        client = run("ab", "-q", "-n", SHORT, "-c", at_once, f"https://127.0.0.1:{nginx.tls}/one", deadline_s=120)
        watch.wait_for(SHORT, nginx)
        watch.wait_for(SHORT, client)
    assert "Complete requests:      3000" in client.text, client.text
    watch.assert_nothing_lost()
    for who in (nginx, client):
        statuses, flags = whole(watch.of(who))
        assert statuses == {200: SHORT} and not flags, (statuses, flags)


def test_many_short_programs(hark, nginx, capture):
    """Several hundred curls, many of them at the same address in processes that ended before."""
    count = 500
    with hark("--capture", capture, "--ring", LARGE_RING, verbose=0) as watch:
        run("sh", "-c", f"seq {count} | xargs -P 40 -I{{}} curl -sk --http1.1 -o /dev/null "
                        f"'https://127.0.0.1:{nginx.tls}/one?n={{}}'", deadline_s=120)
        watch.wait_for(count, nginx)
        watch.wait_for(count, process_executable_name="curl")
    for seen in (watch.of(nginx), watch.of(process_executable_name="curl")):
        statuses, flags = whole(seen)
        assert statuses == {200: count} and not flags, (statuses, flags)
        assert len({one["url.query"] for one in seen}) == count
