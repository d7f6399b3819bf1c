# SPDX-License-Identifier: MIT
#
# Varnish as Debian installs it, with the address of the backend. The built-in
# VCL does the rest. What matters here:
#   - a stale page is served for 10 s after its lifetime, while one request behind it
#     fetches a new one (default_grace)
#   - stale-if-error in Cache-Control isn't read
#   - a request to the backend may take 60 s to its first byte
#   - requests with Cookie or Authorization go to the backend
vcl 4.1;

backend default {
	.host = "{{.OriginHost}}";
	.port = "{{.OriginPort}}";
}
