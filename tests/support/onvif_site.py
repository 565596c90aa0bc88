"""An ONVIF device of our own: it answers probes on a UDP port of this machine, and SOAP over HTTP."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

USER, PASSWORD = "operator", "se/cret"
_SOAP = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:tt="http://www.onvif.org/ver10/schema" '
    'xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:trt="http://www.onvif.org/ver10/media/wsdl">'
    "<s:Body>{}</s:Body></s:Envelope>"
)
_TIME = (
    "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType>"
    "<tt:DaylightSavings>false</tt:DaylightSavings><tt:UTCDateTime><tt:Time><tt:Hour>1</tt:Hour><tt:Minute>2</tt:Minute>"
    "<tt:Second>3</tt:Second></tt:Time><tt:Date><tt:Year>2020</tt:Year><tt:Month>1</tt:Month><tt:Day>1</tt:Day></tt:Date>"
    "</tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
)
_SERVICE = (
    "<tds:Service><tds:Namespace>http://www.onvif.org/ver10/{0}/wsdl</tds:Namespace>"
    "<tds:XAddr>http://192.0.2.7/onvif/{0}</tds:XAddr>"
    "<tds:Version><tt:Major>2</tt:Major><tt:Minor>0</tt:Minor></tds:Version></tds:Service>"
)
_PROFILE = (
    '<trt:Profiles token="{0}" fixed="true"><tt:Name>{0}</tt:Name><tt:VideoEncoderConfiguration token="{0}">'
    "<tt:Name>{0}</tt:Name><tt:UseCount>1</tt:UseCount><tt:Encoding>H264</tt:Encoding><tt:Resolution><tt:Width>{1}"
    "</tt:Width><tt:Height>{2}</tt:Height></tt:Resolution><tt:Quality>1</tt:Quality><tt:Multicast><tt:Address>"
    "<tt:Type>IPv4</tt:Type></tt:Address><tt:Port>0</tt:Port><tt:TTL>1</tt:TTL><tt:AutoStart>false</tt:AutoStart>"
    "</tt:Multicast><tt:SessionTimeout>PT60S</tt:SessionTimeout></tt:VideoEncoderConfiguration></trt:Profiles>"
)
_FAULT = (
    '<s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code><s:Reason><s:Text xml:lang="en">not authorized</s:Text>'
    "</s:Reason></s:Fault>"
)
_MATCH = (
    '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><e:Body><d:ProbeMatches><d:ProbeMatch>'
    "<d:Scopes>onvif://www.onvif.org/type/video onvif://www.onvif.org/name/{name}</d:Scopes>"
    "<d:XAddrs>{addresses}</d:XAddrs></d:ProbeMatch></d:ProbeMatches></e:Body></e:Envelope>"
)


class OnvifSite:
    """``asked``: the questions that a right user asked, in order; ``refused``: how many others."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.refused = 0
        self.http_port = 0
        self.udp_port = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.http_port}/onvif/device_service"

    def answer(self, question: str) -> str:
        """The body of the answer to a SOAP envelope."""
        name = re.search(r"<(?:\w+:)?(Get\w+)[ />]", question)
        asked = name.group(1) if name else ""
        if asked == "GetSystemDateAndTime":
            return _TIME
        if not _signed(question):
            self.refused += 1
            return _FAULT
        self.asked.append(asked)
        if asked == "GetCapabilities":
            media = "<tt:Media><tt:XAddr>http://192.0.2.7/onvif/media</tt:XAddr></tt:Media>"
            capabilities = f"<tds:Capabilities>{media}</tds:Capabilities>"
            return f"<tds:GetCapabilitiesResponse>{capabilities}</tds:GetCapabilitiesResponse>"
        if asked == "GetServices":
            services = _SERVICE.format("device") + _SERVICE.format("media")
            return f"<tds:GetServicesResponse>{services}</tds:GetServicesResponse>"
        if asked == "GetProfiles":
            profiles = (
                _PROFILE.format("main", 1920, 1080)
                + _PROFILE.format("sub", 640, 360)
                + _PROFILE.format("tiny", 320, 180)
            )
            return f"<trt:GetProfilesResponse>{profiles}</trt:GetProfilesResponse>"
        token = re.search(r"ProfileToken>(\w+)<", question)
        uri = f"rtsp://192.0.2.7:554/live/{token.group(1) if token else ''}?x=1"
        return (
            f"<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>{uri}</tt:Uri><tt:InvalidAfterConnect>false"
            "</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout>"
            "</trt:MediaUri></trt:GetStreamUriResponse>"
        )


def probe_match(addresses: str, name: str = "Back%20Yard") -> bytes:
    """An answer to a probe."""
    return _MATCH.format(addresses=addresses, name=name).encode()


def _signed(question: str) -> bool:
    """Whether the digest of WS-UsernameToken is that of the password."""
    parts = {
        name: re.search(rf"<wsse:{name}(?: [^>]*)?>([^<]*)<", question) for name in ("Username", "Password", "Nonce")
    }
    created = re.search(r"<wsu:Created[^>]*>([^<]*)<", question)
    if not all(parts.values()) or created is None:
        return False
    user, digest, nonce = (match.group(1) for match in parts.values() if match)
    wanted = hashlib.sha1(base64.b64decode(nonce) + created.group(1).encode() + PASSWORD.encode())  # noqa: S324
    return user == USER and digest == base64.b64encode(wanted.digest()).decode()


@contextmanager
def onvif_site() -> Iterator[OnvifSite]:
    """The device, running."""
    site = OnvifSite()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = self.rfile.read(int(self.headers["Content-Length"])).decode()
            content = _SOAP.format(site.answer(question)).encode()
            self.send_response(500 if "s:Fault" in content.decode() else 200)
            self.send_header("Content-Type", "application/soap+xml; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    probes = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    probes.bind(("127.0.0.1", 0))
    site.http_port, site.udp_port = server.server_address[1], probes.getsockname()[1]
    threads = [Thread(target=server.serve_forever, args=(0.01,)), Thread(target=_answer_probes, args=(probes, site))]
    for thread in threads:
        thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ending:
            ending.sendto(b"end", ("127.0.0.1", site.udp_port))
        for thread in threads:
            thread.join()
        server.server_close()
        probes.close()


def _answer_probes(probes: socket.socket, site: OnvifSite) -> None:
    while True:
        question, sender = probes.recvfrom(65_536)
        if question == b"end":
            return
        assert b"NetworkVideoTransmitter" in question
        for content in (b"noise", probe_match("http://192.0.2.9/onvif"), probe_match(f"http://[::1]/x {site.address}")):
            probes.sendto(content, sender)
