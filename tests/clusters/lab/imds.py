"""The metadata service of a lab machine, version 2 only: a token by PUT, then what the files of its directory say."""
import http.server
import json
import sys

directory = sys.argv[1]
TOKEN = "lab-token"


class Metadata(http.server.BaseHTTPRequestHandler):
    def do_PUT(self):
        wanted = self.path == "/latest/api/token" and self.headers.get("X-aws-ec2-metadata-token-ttl-seconds")
        self.answer(200 if wanted else 400, TOKEN)

    def do_GET(self):
        if self.headers.get("X-aws-ec2-metadata-token") != TOKEN:
            return self.answer(401, "")
        with open(f"{directory}/imds.json", encoding="utf-8") as file:
            value = json.load(file).get(self.path.removeprefix("/latest/meta-data/"))
        self.answer(404 if value is None else 200, value or "")

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


http.server.ThreadingHTTPServer(("169.254.169.254", 80), Metadata).serve_forever()
