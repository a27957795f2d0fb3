# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 frames as the programs themselves say that they sent and received them."""
import json
import os
import re

import pytest

from harness import HARK, run

FRAME = re.compile(r"^\[ *[0-9.]+\] (send|recv)(?: \(stream_id=\d+\))? (\w+) frame <length=(\d+), flags=0x([0-9a-f]+), stream_id=(\d+)>")
FLAGS = {"DATA": {1: "END_STREAM", 8: "PADDED"}, "HEADERS": {1: "END_STREAM", 4: "END_HEADERS", 8: "PADDED", 32: "PRIORITY"},
         "SETTINGS": {1: "ACK"}, "PING": {1: "ACK"}, "PUSH_PROMISE": {4: "END_HEADERS", 8: "PADDED"}}


def frames_of_nghttp(text):
    """(direction, type, length, flags, stream) of each frame that nghttp -v printed, a list a direction."""
    found = {"sent": [], "received": []}
    for line in text.splitlines():
        match = FRAME.match(line)
        if not match:
            continue
        way, name, length, flags, stream = match.groups()
        names = [text for bit, text in FLAGS.get(name, {}).items() if int(flags, 16) & bit]
        found["sent" if way == "send" else "received"].append((name, int(length), names, int(stream)))
    return found


def values_of_nghttp(text):
    settings = {(name, int(value)) for name, value in re.findall(r"\[SETTINGS_(\w+)\(0x\w+\):(\d+)\]", text)}
    return settings, sorted(map(int, re.findall(r"window_size_increment=(\d+)", text)))


def frames_of_hark(objects):
    found = {"sent": [], "received": []}
    for one in objects:
        found[one["hark.direction"]].append((one["hark.h2.frame.type"], one["hark.h2.frame.length"], one["hark.h2.frame.flags"],
                                             one["hark.stream"]))
    return found


def joined(frames):
    """nghttp prints a HEADERS frame and its CONTINUATIONs as one."""
    whole = []
    for name, length, flags, stream in frames:
        if name != "CONTINUATION":
            whole.append((name, length, flags, stream))
            continue
        begin = whole.pop()
        whole.append((begin[0], begin[1] + length, sorted({*begin[2], *flags}, key=list(FLAGS["HEADERS"].values()).index), stream))
    return whole


def values_of_hark(objects):
    settings = {item for one in objects for item in one.get("hark.h2.settings", {}).items()}
    return settings, sorted(one["hark.h2.window_increment"] for one in objects if "hark.h2.window_increment" in one)


# nginx takes no field of 20,000 bytes, so only nghttpd gets CONTINUATIONs.
@pytest.mark.parametrize("server", ["nginx tls", "nginx h2c", "nghttpd", "nghttpd_clear"])
def test_frames_are_those_that_nghttp_tells(hark, nginx, nghttpd, nghttpd_clear, tmp_path, server):
    urls = {"nginx tls": f"https://127.0.0.1:{nginx.tls}", "nginx h2c": f"http://127.0.0.1:{nginx.h2c}",
            "nghttpd": f"https://127.0.0.1:{nghttpd.port}", "nghttpd_clear": f"http://127.0.0.1:{nghttpd_clear.port}"}
    recording = tmp_path / "frames.rec"
    long = "v" * (20000 if "nghttpd" in server else 100)
    with hark("-w", recording, view=("frames",)) as watch:
        client = run("nghttp", "-nv", "-H", f"x-long: {long}", f"{urls[server]}/small.txt", f"{urls[server]}/medium.bin")
        told = frames_of_nghttp(client.text)
        watch.wait_for(sum(map(len, told.values())) , client)
    seen = watch.of(client)
    assert {way: joined(frames) for way, frames in frames_of_hark(seen).items()} == told
    assert any(one["hark.h2.frame.type"] == "CONTINUATION" for one in seen) == ("nghttpd" in server)
    assert values_of_hark(seen) == values_of_nghttp(client.text)
    assert len(told["received"]) > 8
    asked = [one for one in seen if one["hark.h2.frame.type"] in ("HEADERS", "CONTINUATION") and one["hark.direction"] == "sent"]
    fields = [dict(one["hark.h2.fields"]) for one in asked if "END_HEADERS" in one["hark.h2.frame.flags"]]
    assert [field[":path"] for field in fields] == ["/small.txt", "/medium.bin"]
    assert all(field["x-long"] == long for field in fields)
    again = [json.loads(line) for line in run(HARK, "replay", recording, "frames", "-o", "json", "-v").text.splitlines()]
    assert again == watch.objects


def test_text_hides_secrets(nginx, tmp_path):
    recording = tmp_path / "frames.rec"
    done = run(HARK, "record", "-w", recording, "--", "curl", "-sk", "-o", "/dev/null", "-H", "Authorization: Bearer abc",
               f"https://127.0.0.1:{nginx.tls}/small.txt?token=def")
    assert done.status == 0
    text = run(HARK, "replay", recording, "frames").text
    assert "    :path: /small.txt?token=[redacted]\n" in text and "    authorization: [redacted]\n" in text
    assert "abc" not in text and "def" not in text
    assert re.search(r" curl\[\d+\] +#\d+ +send SETTINGS +stream 0 +length 18 +MAX_CONCURRENT_STREAMS=100 ", text), text
    assert re.search(r" curl\[\d+\] +#\d+ +recv DATA +stream 1 +length 1000 +END_STREAM$", text, re.M), text
    assert "abc" in run(HARK, "replay", recording, "frames", "--show-secrets").text


def test_joined_late_says_what_is_not_known(hark, nginx):
    import socket  # noqa: PLC0415
    import h2.config  # noqa: PLC0415
    import h2.connection  # noqa: PLC0415
    with socket.create_connection(("127.0.0.1", nginx.h2c)) as sock:
        client = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))

        def ask(stream):
            client.send_headers(stream, [(":method", "GET"), (":path", "/small.txt"), (":scheme", "http"), (":authority", "x"),
                                         ("x-old", "value")], end_stream=True)
            sock.sendall(client.data_to_send())
            done = False
            while not done:
                for event in client.receive_data(sock.recv(65536)):
                    done |= type(event).__name__ == "StreamEnded"
                sock.sendall(client.data_to_send())

        client.initiate_connection()
        ask(1)
        with hark(view=("frames",)) as watch:
            ask(3)
            ask(5)
            # Which side it is may not be known yet: all that this program moved.
            watch.wait_for(1, os.getpid(), hark_h2_frame_type="DATA", hark_stream=5)
    late = [one for one in watch.of(os.getpid()) if one["hark.h2.frame.type"] == "HEADERS" and one["hark.direction"] == "sent"]
    assert [one["hark.stream"] for one in late] in ([3, 5], [5])
    for one in late:
        fields = one["hark.h2.fields"]
        assert [":method", "GET"] in fields and [None, None] in fields
        assert ["x-old", "value"] not in fields
