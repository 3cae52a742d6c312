"""A real S3 server for tests: OpenStack Swift with its S3 interface (Debian's python3-swift), in one process.

usage: swift_server.py FOLDER CERTIFICATE KEY

Proxy, account, container and object server listen on free loopback ports; configuration, ring and data go into FOLDER,
which must be on a file system with extended attributes (ext4, xfs, btrfs; a tmpfs from Linux 6.6 on). When it answers,
it prints one line: {"http_port", "https_port" (with CERTIFICATE and KEY, PEM files), "access_key", "secret_key"}. It ends
with SIGTERM or SIGKILL and leaves no process. The region is us-east-1, the buckets:

  yizhan-test     an ordinary one
  yizhan-full     takes 16 bytes and no more
  yizhan-sealed   its ETags are no MD5, as at servers that encrypt
  yizhan-busy     refuses the first two requests for each address, as servers under load
  yizhan-skewed   an hour away
  yizhan-moved    redirects to yizhan-test
"""
import collections
import datetime
import json
import os
import pathlib
import sys

import eventlet
import eventlet.wsgi
from swift.common import utils

utils.eventlet_monkey_patch()

from swift.common import storage_policy, swob, wsgi  # noqa: E402: the patch comes first
from swift.common.ring import RingBuilder  # noqa: E402

ACCESS_KEY, SECRET_KEY = "test:yizhan", "secret-of-the-test"
BUCKETS = {"test": {}, "full": {"X-Container-Meta-Quota-Bytes": "16"}, "sealed": {}, "busy": {}, "skewed": {}, "moved": {}}

SWIFT_CONF = """
[swift-hash]
swift_hash_path_suffix = test
[storage-policy:0]
name = one
default = yes
"""

STORAGE_CONF = """
[DEFAULT]
devices = {folder}/devices
mount_check = false
disable_fallocate = true
swift_dir = {folder}
log_level = ERROR
[pipeline:main]
pipeline = server
[app:server]
use = egg:swift#{kind}
"""

# Listings follow at once: the object server waits for the container's.
OBJECT_CONF = "container_update_timeout = 30\n"

PROXY_CONF = """
[DEFAULT]
swift_dir = {folder}
log_level = ERROR
[pipeline:main]
pipeline = catch_errors cache oddities listing_formats s3api tempauth copy container-quotas slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
node_timeout = 30
conn_timeout = 5
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
paste.filter_factory = __main__:cache_factory
[filter:oddities]
paste.filter_factory = __main__:oddities_factory
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_test_yizhan = {secret} .admin
[filter:copy]
use = egg:swift#copy
[filter:container-quotas]
use = egg:swift#container_quotas
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
"""


class Cache:
    """What Swift asks of memcached, for the one process that there is."""

    def __init__(self):
        self.held = {}

    def get(self, key, *_, **__):
        return self.held.get(key)

    def set(self, key, value, *_, **__):
        self.held[key] = value

    def delete(self, key, *_, **__):
        self.held.pop(key, None)


def cache_factory(*_, **__):
    cache = Cache()

    def with_cache(app):
        def serve(env, start_response):
            env["swift.cache"] = cache
            return app(env, start_response)
        return serve
    return with_cache


def oddities_factory(*_, **__):
    """What cannot be had of Swift by its configuration."""
    requests = collections.Counter()

    def with_oddities(app):
        def serve(env, start_response):
            path = env["PATH_INFO"]
            bucket = path.split("/")[1]
            if bucket == "yizhan-busy":
                requests[path] += 1
                if requests[path] < 3:
                    start_response("503 Slow Down", [("Content-Type", "application/xml")])
                    return [b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"]
            if bucket == "yizhan-moved":
                there = f"http://{env['HTTP_HOST']}{path.replace('moved', 'test')}"
                start_response("307 Temporary Redirect", [("Location", there)])
                return []
            if bucket == "yizhan-skewed":
                now = datetime.datetime.strptime(env["HTTP_X_AMZ_DATE"], "%Y%m%dT%H%M%SZ")
                env["HTTP_X_AMZ_DATE"] = (now - datetime.timedelta(hours=1)).strftime("%Y%m%dT%H%M%SZ")

            def start(status, headers, *rest):
                return start_response(status, [(k, '"sealed"' if k.lower() == "etag" else v) for k, v in headers], *rest)
            return app(env, start if bucket == "yizhan-sealed" else start_response)
        return serve
    return with_oddities


def serve(app, socket):
    eventlet.spawn(eventlet.wsgi.server, socket, app, utils.NullLogger(), protocol=wsgi.SwiftHttpProtocol,
                   socket_timeout=60, capitalize_response_headers=False)


def main():
    folder, certificate, key = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2], sys.argv[3]
    (folder / "devices" / "disk").mkdir(parents=True)
    try:
        os.setxattr(folder / "devices", "user.yizhan", b"1")
    except OSError as error:
        sys.exit(f"{folder} takes no extended attributes ({error.strerror}): set TMPDIR to a folder that does")
    (folder / "swift.conf").write_text(SWIFT_CONF)
    utils.set_swift_dir(str(folder))
    storage_policy.reload_storage_policies()

    sockets = {kind: eventlet.listen(("127.0.0.1", 0)) for kind in ("account", "container", "object")}
    for kind, socket in sockets.items():
        ring = RingBuilder(part_power=2, replicas=1, min_part_hours=0)
        ring.add_dev({"region": 1, "zone": 1, "weight": 1, "ip": "127.0.0.1", "port": socket.getsockname()[1], "device": "disk"})
        ring.rebalance()
        ring.get_ring().save(str(folder / f"{kind}.ring.gz"))
    for kind, socket in sockets.items():
        conf = folder / f"{kind}.conf"
        conf.write_text(STORAGE_CONF.format(folder=folder, kind=kind) + (OBJECT_CONF if kind == "object" else ""))
        serve(wsgi.loadapp(str(conf)), socket)
    conf = folder / "proxy.conf"
    conf.write_text(PROXY_CONF.format(folder=folder, secret=SECRET_KEY))
    proxy = wsgi.loadapp(str(conf))

    http, https = eventlet.listen(("127.0.0.1", 0)), eventlet.listen(("127.0.0.1", 0))
    ports = {"http_port": http.getsockname()[1], "https_port": https.getsockname()[1]}
    serve(proxy, http)
    serve(proxy, eventlet.wrap_ssl(https, certfile=certificate, keyfile=key, server_side=True))
    for bucket, headers in BUCKETS.items():
        request = swob.Request.blank(f"/v1/AUTH_test/yizhan-{bucket}", method="PUT", headers=headers)
        request.environ["swift.authorize_override"] = True
        answer = request.get_response(proxy)
        if answer.status_int not in (201, 202):
            sys.exit(f"swift does not make the bucket {bucket}: {answer.status} {answer.body.decode()}")
    print(json.dumps({**ports, "access_key": ACCESS_KEY, "secret_key": SECRET_KEY}), flush=True)
    eventlet.Event().wait()


main()
