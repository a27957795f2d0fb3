# SPDX-License-Identifier: Apache-2.0
"""What share/ has for hark serve: each query of the dashboard asks for what /metrics has, and the files are what they say."""
import json
import os
import re
import subprocess

import pytest
import yaml

from harness import HARK, ROOT, run
from test_rights import CHECKPOINT_RESTORE, DAC_READ_SEARCH, PERFMON, BPF, SYS_PTRACE, mask, rights
from test_serve import Serve, curl, wait_until

DASHBOARD = json.loads((ROOT / "share/grafana.json").read_text())
CAPABILITIES = {"BPF", "PERFMON", "SYS_PTRACE", "CHECKPOINT_RESTORE", "DAC_READ_SEARCH"}
WORDS = {"sum", "by", "rate", "increase", "histogram_quantile", "topk"}
OF_PROMETHEUS = {"job", "instance", "le"}


def queries():
    found = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]
    assert len(found) > 15
    return found


def names_and_labels(query):
    """By what stands where: labels within braces and behind by, the other words are functions and metrics."""
    plain = re.sub(r'"[^"]*"|\$\w+|\[[^]]*\]', "", query)
    labels = set(re.findall(r"(\w+)\s*[=!]~?", plain))
    for inner in re.findall(r"\bby\s*\(([^)]*)\)", plain):
        labels |= set(re.findall(r"\w+", inner))
    rest = re.sub(r"\{[^}]*\}|\bby\s*\([^)]*\)", " ", plain)
    return {word for word in re.findall(r"[a-zA-Z_]\w*", rest) if word not in WORDS}, labels - OF_PROMETHEUS


def test_the_dashboard_asks_for_what_there_is(tmp_path, nginx):
    """Of a hark that saw a success and a failure, in clear and by TLS."""
    page = (ROOT / "docs/interface.md").read_text()
    listed = re.search(r"^## Metrics\n(.*?)^## ", page, re.M | re.S)[1]
    with Serve(tmp_path, f"port:{nginx.http},{nginx.tls}") as serve:
        curl(f"http://127.0.0.1:{nginx.http}/small.txt", f"https://127.0.0.1:{nginx.tls}/broken")
        wait_until(lambda: serve.metric("hark_tls_handshake_duration_seconds_count") >= 1, "a handshake")
        text = serve.ask("/metrics")[1]
    families = set(re.findall(r"^# TYPE (\S+)", text, re.M))
    names = {re.match(r"[^{ ]+", line)[0] for line in text.splitlines() if not line.startswith("#")} | families
    labels = set(re.findall(r'[{,](\w+)="', text))
    for query in queries():
        metrics, asked = names_and_labels(query)
        assert metrics and metrics <= names, (query, metrics - names)
        assert asked <= labels, (query, asked - labels)
        assert all(label in listed for label in asked), query


def test_the_queries_are_promql(tmp_path):
    rules = [{"record": f"a:b{number}", "expr": query.replace("$__rate_interval", "5m")} for number, query in enumerate(queries())]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "a", "rules": rules}]}))
    run("promtool", "check", "rules", tmp_path / "rules.yml")


def test_panels_have_places():
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken and place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells


def test_the_manifest():
    documents = {one["kind"]: one for one in yaml.safe_load_all((ROOT / "share/kubernetes.yaml").read_text())}
    pod = documents["DaemonSet"]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert pod["hostPID"] and pod["serviceAccountName"] == documents["ServiceAccount"]["metadata"]["name"]
    assert set(container["securityContext"]["capabilities"]["add"]) == CAPABILITIES
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    version = run(HARK, "--version").text.split()[1]
    assert container["image"] == f"hark:{version}"
    # The very words are taken by hark: what is wrong with them would be said before the files are missed.
    done = subprocess.run([HARK, *container["args"], "--no-config"], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1 and "/etc/hark/token" in done.stderr


def unit():
    lines = (ROOT / "share/hark.service").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if re.match(r"\w+=", line))


def test_the_container_recipe():
    text = (ROOT / "share/Containerfile").read_text()
    assert set(re.search(r"--cap-add=(\S+)", text)[1].split(",")) == CAPABILITIES
    assert re.findall(r"^(FROM|WORKDIR|COPY|RUN|ENTRYPOINT|CMD) ", text, re.M)[0] == "FROM"


def test_the_unit_is_one(tmp_path):
    if not os.access("/usr/bin/systemd-analyze", os.X_OK):
        pytest.skip("systemd-analyze is not installed")
    text = (ROOT / "share/hark.service").read_text().replace("/usr/local/bin/hark", HARK)
    (tmp_path / "hark.service").write_text(text)
    said = subprocess.run(["systemd-analyze", "verify", "--man=no", tmp_path / "hark.service"], capture_output=True, text=True,
                          timeout=60, check=False)
    assert said.returncode == 0 and "hark.service" not in said.stderr, said.stderr
    level = run("systemd-analyze", "security", "--offline=true", tmp_path / "hark.service", status=None).text
    assert float(re.search(r"exposure level for hark.service: ([\d.]+)", level)[1]) <= 2.5


def test_the_rights_of_the_unit_suffice(tmp_path, nginx):
    """Another user with these capabilities alone sees plaintext of TLS, as a service that starts so does."""
    assert set(unit()["AmbientCapabilities"].split()) == {f"CAP_{name}" for name in CAPABILITIES}
    assert unit()["CapabilityBoundingSet"] == unit()["AmbientCapabilities"]
    caps = "-all," + ",".join(f"+{name.lower()}" for name in sorted(CAPABILITIES))
    program = tmp_path / "hark"
    program.write_bytes(open(HARK, "rb").read())
    program.chmod(0o755)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == 0 and str(folder).startswith("/tmp/pytest"):
            folder.chmod(0o755)
    serve = Serve(tmp_path, f"port:{nginx.tls}")
    serve.command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", f"--inh-caps={caps}", f"--ambient-caps={caps}",
                     f"--bounding-set={caps}", "--no-new-privs", program]
    with serve:
        kept = rights(serve.process.pid)
        assert int(kept["CapEff"], 16) == mask(BPF, PERFMON, SYS_PTRACE, CHECKPOINT_RESTORE, DAC_READ_SEARCH)
        curl(f"https://127.0.0.1:{nginx.tls}/small.txt")
        wait_until(lambda: serve.metric("http_server_request_duration_seconds_count", 'url_scheme="https"') == 1, "a request")
