# The rows of `hark stat -o json` as text that Prometheus reads (docs/into-prometheus.md).
def quoted: tostring | gsub("\\\\"; "\\\\") | gsub("\""; "\\\"") | gsub("\n"; "\\n");
def labels: "host=\"\(."server.address" // "" | quoted)\",method=\"\(."http.request.method" // "" | quoted)\",route=\"\(."http.route" // "" | quoted)\"";
def gauge(name; help; value): "# HELP \(name) \(help)", "# TYPE \(name) gauge",
	(.[] | . as $row | (value | select(. != null)) as $value | "\(name){\($row | labels)} \($value)");

[inputs, .] | map(select(.total | not))
| gauge("hark_requests_per_second"; "Requests a second."; .rate),
  gauge("hark_errors_per_second"; "Requests a second that failed.";
	if .count > 0 then .rate * ([."errors.4xx", ."errors.5xx", ."errors.reset", ."errors.timeout", ."errors.grpc"] | map(. // 0) | add) / .count else 0 end),
  gauge("hark_requests_in_flight"; "Requests without an answer yet."; .in_flight),
  "# HELP hark_request_duration_seconds Duration of requests.", "# TYPE hark_request_duration_seconds gauge",
  (.[] | . as $row | [["0.5", "p50"], ["0.9", "p90"], ["0.99", "p99"]][] | . as $q
	| ($row.duration_ms // {})[$q[1]] | select(. != null)
	| "hark_request_duration_seconds{\($row | labels),quantile=\"\($q[0])\"} \(. / 1000)")
