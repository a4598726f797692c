"""Downloads from a server on this machine, which truncates, corrupts, refuses, redirects, sleeps and forgets ranges."""
import gzip
import http.server
import os
import re
import signal
import subprocess
import threading
import time
import unittest

from support import Case

FILES = ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz", "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"]
DATA = os.path.join(os.environ.get("NNPEEK_DATA", ""), "mnist")


class Handler(http.server.BaseHTTPRequestHandler):
    """Gives server.files[name]; server.mischief says what goes wrong."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        server, name = self.server, os.path.basename(self.path)
        server.seen.append((name, self.headers.get("Range")))
        if server.mischief == "redirect":
            self.send_response(302)
            self.send_header("Location", self.path)
            self.end_headers()
            return
        if server.mischief == "elsewhere" and not self.path.startswith("/moved/"):
            self.send_response(301)
            self.send_header("Location", f"/moved/{name}")
            self.end_headers()
            return
        if name not in server.files:
            self.send_error(404)
            return
        body, first = server.files[name], 0
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if asked and server.mischief != "no ranges":
            first = int(asked[1])
            if first >= len(body):
                self.send_error(416)
                return
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - first))
        self.end_headers()
        body = body[first:]
        if server.mischief == "truncate":
            body = body[: len(body) // 2]
        if server.mischief in ("hang", "slow"):
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            server.hung.set()
            server.let_go.wait(20)
            return
        self.wfile.write(body)


class Get(Case):
    def setUp(self):
        super().setUp()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.files, self.server.seen, self.server.mischief = {}, [], None
        self.server.hung, self.server.let_go = threading.Event(), threading.Event()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.stop)
        self.mirror = f"http://127.0.0.1:{self.server.server_address[1]}/data/"
        os.environ["no_proxy"] = "127.0.0.1"

    def stop(self):
        self.server.let_go.set()
        self.server.shutdown()
        self.server.server_close()

    def serve(self, *names):
        """The real files where they are here."""
        if not os.path.isdir(DATA):
            self.skipTest("MNIST is not here")
        for name in names or FILES:
            with open(os.path.join(DATA, name), "rb") as file:
                self.server.files[name] = file.read()

    def serve_nonsense(self, size=10000):
        self.server.files[FILES[0]] = gzip.compress(os.urandom(size))

    def arguments(self, *more):
        return ("data", "get", "mnist", "--data-dir", "d", "--mirror", self.mirror, *more)

    def refused(self, *has, status=1, arguments=()):
        self.sentence(*self.arguments(*arguments), status=status, has=has)

    def test_everything_once(self):
        self.serve()
        found = self.json(*self.arguments())
        self.assertEqual((found["files"], found["downloaded"]), (4, 4))
        self.assertEqual(found["bytes"], sum(map(len, self.server.files.values())))
        for name, body in self.server.files.items():
            self.assertEqual(self.read_bytes("d", "mnist", name), body)
        self.assertEqual(self.files(), sorted(f"d/mnist/{name}" for name in FILES))
        again = self.json(*self.arguments())
        self.assertEqual((again["files"], again["downloaded"], again["bytes"]), (4, 0, 0))
        self.assertEqual(len(self.server.seen), 4)
        listed = {entry["name"]: entry["found"] for entry in self.json("data", "list", "--data-dir", "d")}
        self.assertEqual(listed["mnist"], f"d/mnist/{FILES[0]}")

    def test_it_goes_on_where_it_was(self):
        self.serve()
        body = self.server.files[FILES[0]]
        os.makedirs(self.path("d/mnist"))
        with open(self.path(f"d/mnist/{FILES[0]}.part"), "wb") as file:
            file.write(body[:1000000])
        found = self.json(*self.arguments())
        self.assertEqual(self.server.seen[0], (FILES[0], "bytes=1000000-"))
        self.assertEqual(found["bytes"], sum(map(len, self.server.files.values())) - 1000000)
        self.assertEqual(self.read_bytes("d", "mnist", FILES[0]), body)

    def test_a_part_of_another_file(self):
        self.serve()
        os.makedirs(self.path("d/mnist"))
        for length in (5000, len(self.server.files[FILES[0]])):
            with open(self.path(f"d/mnist/{FILES[0]}.part"), "wb") as file:
                file.write(os.urandom(length))
            self.nnpeek(*self.arguments())
            self.assertEqual(self.read_bytes("d", "mnist", FILES[0]), self.server.files[FILES[0]])
            os.remove(self.path("d/mnist", FILES[0]))

    def test_a_server_without_ranges(self):
        self.serve()
        self.server.mischief = "no ranges"
        os.makedirs(self.path("d/mnist"))
        with open(self.path(f"d/mnist/{FILES[0]}.part"), "wb") as file:
            file.write(self.server.files[FILES[0]][:5000])
        self.nnpeek(*self.arguments())
        self.assertEqual(self.read_bytes("d", "mnist", FILES[0]), self.server.files[FILES[0]])

    def test_a_broken_connection_is_taken_up_again(self):
        """Every answer gives a half of what is left: five tries, then the next call goes on."""
        self.serve()
        self.server.mischief = "truncate"
        body = self.server.files[FILES[0]]
        self.refused("127.0.0.1", FILES[0])
        had = os.path.getsize(self.path(f"d/mnist/{FILES[0]}.part"))
        self.assertGreater(had, 0.9 * len(body))
        self.assertEqual(len(self.server.seen), 5)
        self.server.mischief = None
        self.nnpeek(*self.arguments())
        self.assertEqual(self.server.seen[5], (FILES[0], f"bytes={had}-"))
        self.assertEqual(self.read_bytes("d", "mnist", FILES[0]), body)

    def test_a_redirection_is_followed(self):
        self.serve()
        self.server.mischief = "elsewhere"
        self.nnpeek(*self.arguments())
        self.assertEqual(self.files(), sorted(f"d/mnist/{name}" for name in FILES))

    def test_what_is_there_and_wrong_stays(self):
        os.makedirs(self.path("d/mnist"))
        with open(self.path("d/mnist", FILES[0]), "wb") as file:
            file.write(b"mine")
        self.refused(FILES[0], "remove it", status=2)
        self.assertEqual(self.read_bytes("d", "mnist", FILES[0]), b"mine")
        self.assertEqual(self.server.seen, [])

    def test_other_contents(self):
        self.serve_nonsense()
        self.refused("checksum", FILES[0], status=2)
        self.assertEqual(self.files(), [])

    def test_other_contents_of_the_right_length(self):
        self.serve_nonsense(7840016)
        self.server.files[FILES[0]] = gzip.compress(bytes(7840016))
        self.refused("checksum", "0fa7898d", status=2)
        self.assertEqual(self.files(), [])

    def test_an_archive_that_is_another(self):
        self.server.files["cifar-10-binary.tar.gz"] = gzip.compress(os.urandom(5000))
        self.sentence("data", "get", "cifar10", "--data-dir", "d", "--mirror", self.mirror, status=2, has=["checksum", "c32a1d4a"])
        self.assertEqual(self.files(), [])

    def test_too_large(self):
        self.server.files[FILES[0]] = bytes(5 << 20)
        self.refused("larger", FILES[0])

    def test_not_there(self):
        self.refused("404", FILES[0], status=2)
        self.assertEqual(self.files(), [f"d/mnist/{FILES[0]}.part"])
        self.assertEqual(self.read_bytes("d", "mnist", f"{FILES[0]}.part"), b"")

    def test_nobody_answers(self):
        self.mirror = "http://127.0.0.1:1/"
        self.refused("127.0.0.1:1")

    def test_round_and_round(self):
        self.server.mischief = "redirect"
        self.refused("redirects")
        self.assertLess(len(self.server.seen), 10)

    def test_only_the_web(self):
        self.mirror = f"file://{self.path()}"
        with open(self.path(FILES[0]), "wb") as file:
            file.write(b"secret")
        self.refused("file")
        self.assertNotIn(b"secret", self.read_bytes("d", "mnist", f"{FILES[0]}.part"))

    def test_a_server_that_falls_asleep(self):
        self.serve_nonsense()
        self.server.mischief = "hang"
        begin = time.monotonic()
        self.refused("127.0.0.1", arguments=("--patience", "1"))
        self.assertLess(time.monotonic() - begin, 15)

    def test_interrupted(self):
        self.serve_nonsense(100000)
        self.server.mischief = "slow"
        command = [os.environ["NNPEEK"], *self.arguments()]
        process = subprocess.Popen(command, cwd=self.path(), stderr=subprocess.PIPE)
        self.assertTrue(self.server.hung.wait(20))
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
        self.assertEqual(process.returncode, 130)
        half = len(self.server.files[FILES[0]]) // 2
        self.assertEqual(self.read_bytes("d", "mnist", f"{FILES[0]}.part"), self.server.files[FILES[0]][:half])

    def test_unknown_names(self):
        self.sentence("data", "get", "imagenet", has=["mnist and cifar10"])
        self.sentence("data", "get", has=["mnist or cifar10"])


if __name__ == "__main__":
    unittest.main()
