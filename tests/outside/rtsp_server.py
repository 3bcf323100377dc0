"""GStreamer's RTSP server, with the Python that Debian's bindings are for: PORT USER PASSWORD PATH=PIPELINE...

What is below /udp is not sent by TCP.
"""

import sys
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

DIGEST = 2  # RTSP's methods of logging in, by GStreamer's numbers
ROLE = "viewer"


def main(port: str, user: str, password: str, *mounts: str) -> None:
    Gst.init(None)
    server: Any = GstRtspServer.RTSPServer(service=port, address="127.0.0.1")
    login, token = GstRtspServer.RTSPAuth(), GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", ROLE)
    login.set_supported_methods(DIGEST)
    login.add_digest(user, password, token)
    server.set_auth(login)
    for mount in mounts:
        path, _, pipeline = mount.partition("=")
        factory, permissions = GstRtspServer.RTSPMediaFactory(shared=True), GstRtspServer.RTSPPermissions()
        factory.set_launch(f"( {pipeline} )")
        for right in ("media.factory.access", "media.factory.construct"):
            permissions.add_permission_for_role(ROLE, right, True)  # noqa: FBT003 (GStreamer's own signature)
        factory.set_permissions(permissions)
        if path.startswith("/udp"):
            factory.set_protocols(GstRtsp.RTSPLowerTrans.UDP)
        server.get_mount_points().add_factory(path, factory)
    server.attach(None)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(*sys.argv[1:])
