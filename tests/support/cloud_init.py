"""What cloud-init makes of user data: reads JSON [base64 …] on stdin, writes [[[type, base64 payload] …] …]. Runs nothing of it."""
import base64
import json
import sys
import tempfile

from cloudinit import helpers, util
from cloudinit.user_data import UserDataProcessor



def raw(payload):
    return payload if isinstance(payload, bytes) else payload.encode("utf-8", "surrogateescape")


def parts(processor, data):
    message = processor.process(base64.b64decode(data))
    found = [part for part in message.walk() if part.get_content_maintype() != "multipart"]
    payloads = [raw(util.fully_decoded_payload(part)) for part in found]
    return [[part.get_content_type(), base64.b64encode(text).decode()] for part, text in zip(found, payloads)]


with tempfile.TemporaryDirectory() as directory:
    processor = UserDataProcessor(helpers.Paths({"cloud_dir": directory, "run_dir": directory}))
    json.dump([parts(processor, data) for data in json.load(sys.stdin)], sys.stdout)
