# SPDX-License-Identifier: MIT
#
# Varnish as somebody sets it up who wants to survive the failures of a backend and
# has read its user guide: probes, a long grace that counts while the backend is sick, and
# no answer of a failing backend in the cache.
vcl 4.1;

import std;

backend default {
	.host = "{{.OriginHost}}";
	.port = "{{.OriginPort}}";
	# The defaults are 3.5 s and 60 s. Clients have one second.
	.connect_timeout = 1s;
	.first_byte_timeout = 1s;
	.between_bytes_timeout = 1s;
	# Two of the last three probes must have succeeded. A failing backend is known as
	# sick within two seconds, a healthy one again within two.
	.probe = {
		.url = "/probe";
		.interval = 1s;
		.timeout = 1s;
		.window = 3;
		.threshold = 2;
	}
}

sub vcl_recv {
	# While the backend is well, a page may be a minute stale while it is fetched again
	# behind the answer; while it is sick, as stale as the page allows. The user guide has
	# 10 s here. But nothing bounds how long a whole fetch may take, and who needs a
	# page that is beyond this grace waits for the one fetch that is under way.
	if (std.healthy(req.backend_hint)) {
		set req.grace = 1m;
	}
}

sub vcl_backend_response {
	# A failure behind a stale answer must not replace the page.
	if (bereq.is_bgfetch && beresp.status >= 500) {
		return (abandon);
	}
	# Nor may half a page: nothing of what is fetched in the background is
	# served before all of it is there.
	if (bereq.is_bgfetch) {
		set beresp.do_stream = false;
	}
	# Varnish doesn't read stale-if-error itself.
	if (beresp.status < 500) {
		if (beresp.http.Cache-Control ~ "(^|[, ])stale-if-error=[0-9]+") {
			set beresp.grace = std.duration(
				regsub(beresp.http.Cache-Control, "^.*stale-if-error=([0-9]+).*$", "\1") + "s", 24h);
		} else {
			set beresp.grace = 24h;
		}
		# For conditional requests where there is no grace any more.
		set beresp.keep = 1h;
	}
}

sub vcl_backend_error {
	# The same for a backend that can't be reached or breaks off. Without this the
	# error could be stored for some seconds.
	if (bereq.is_bgfetch) {
		return (abandon);
	}
}
