"""The verbs as a user meets them: help, results, bad input, interruption."""
import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import termios
import time
import unittest

import numpy as np

from support import NNPEEK, Case

VERBS = ("demo", "inspect", "layers", "train", "capture", "fit", "measure", "report", "data")


class Help(Case):
    def test_every_verb_has_help_with_examples(self):
        for verb in VERBS:
            text = self.nnpeek(verb, "--help").stdout
            for part in ("Usage: nnpeek " + verb, "Examples:", "--seed", "--threads", "--quiet", "--json"):
                self.assertIn(part, text, verb)

    def test_first_page_lists_the_verbs(self):
        text = self.nnpeek("--help").stdout
        for verb in VERBS:
            self.assertIn(f"\n  {verb} ", text)
        self.assertRegex(self.nnpeek("--version").stdout, r"^nnpeek \d+\.\d+\.\d+\n$")

    def test_wrong_usage_is_status_2(self):
        self.nnpeek(status=2)
        self.sentence("look", has=["look", "inspect"])
        for verb in VERBS:
            self.sentence(verb, "--no-such-flag", has=["no-such-flag"])
        self.sentence("fit", has=["BLOCKS"])
        self.sentence("inspect", "only-one.onnx", has=["NETWORK DATA"])
        self.sentence("measure", "a", "b", has=["'b'"])


class BadInput(Case):
    """One sentence that names file, place and remedy; the right status; nothing left behind."""

    def setUp(self):
        super().setUp()
        self.good = np.random.default_rng(0).random((20, 6)).astype(np.float32)
        np.save(self.path("good.npy"), self.good)

    def refuse(self, *arguments, has, status=2):
        before = self.files()
        line = self.sentence(*arguments, status=status, has=has)
        self.assertGreater(len(line), 30)
        self.assertEqual(self.files(), before)

    def fit(self, *arguments, has, status=2):
        self.refuse("fit", *arguments, "-o", "out", has=has, status=status)
        self.assertFalse(os.path.exists(self.path("out")))

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content)
        return name

    def test_fit_files(self):
        self.fit("missing.npy", "--ranks", 2, has=["missing.npy"])
        self.fit("nowhere", "--ranks", 2, has=["nowhere"])
        self.fit(self.write("foreign.npy", b"PK\x03\x04 not an array at all"), "--ranks", 2, has=["foreign.npy"])
        self.fit(self.write("nothing.npy", b""), "--ranks", 2, has=["nothing.npy"])
        whole = self.read_bytes("good.npy")
        self.fit(self.write("cut.npy", whole[:-50]), "--ranks", 2, has=["cut.npy"])
        self.fit(self.write("head.npy", whole[:20]), "--ranks", 2, has=["head.npy"])
        os.mkdir(self.path("empty"))
        self.fit("empty", "--ranks", 2, has=["empty", "manifest.json"])
        os.mkdir(self.path("strange"))
        self.write("strange/manifest.json", b"[1, 2")
        self.fit("strange", "--ranks", 2, has=["strange/manifest.json"])
        self.write("strange/manifest.json", b"{}")
        self.fit("strange", "--ranks", 2, has=["strange/manifest.json"])

    def test_fit_values(self):
        for value, word in ((np.nan, "NaN"), (np.inf, "infinite"), (-1, "--signed")):
            x = self.good.copy()
            x[11, 4] = value
            np.save(self.path("x.npy"), x)
            self.fit("good.npy", "x.npy", "--ranks", 2, has=["'x'", "row 11", "column 4", word])

    def test_fit_shapes_and_names(self):
        np.save(self.path("short.npy"), self.good[:19])
        self.fit("good.npy", "short.npy", "--ranks", 2, has=["short", "19", "20"])
        np.save(self.path("none.npy"), self.good[:0])
        self.fit("none.npy", "--ranks", 1, has=["none"])
        np.save(self.path("samples.npy"), self.good)
        self.fit("samples.npy", "--ranks", 2, has=["samples", "rename"])
        os.mkdir(self.path("other"))
        np.save(self.path("other", "good.npy"), self.good)
        self.fit("good.npy", "other/good.npy", "--ranks", 2, has=["good", "rename"])

    def test_fit_flags(self):
        for ranks in ("0", "-1", "x", "5:1", "1.5", ""):
            self.fit("good.npy", f"--ranks={ranks}", has=["--ranks"])
        self.fit("good.npy", "--ranks", 7, has=["7", "20 samples", "6 columns"])
        self.fit("good.npy", has=["--ranks"])
        self.refuse("fit", "good.npy", "--ranks", 2, has=["-o"])
        self.fit("good.npy", "--ranks", 2, "--iterations", 0, has=["--iterations"])
        self.fit("good.npy", "--ranks", 2, "--tolerance", "small", has=["--tolerance", "small"])
        self.fit("good.npy", "--ranks", 2, "--rule", "newton", has=["--rule", "newton", "mu"])
        self.fit("good.npy", "--ranks", 2, "--threads", "-2", has=["--threads"])
        self.fit("good.npy", "--ranks", 2, "--weight", "good", has=["--weight", "BLOCK=X"])
        self.fit("good.npy", "--ranks", 2, "--weight", "bad=2", has=["bad"])
        self.fit("good.npy", "--ranks", 2, "--weight", "good=-2", has=["good", "-2"])
        self.fit("good.npy", "--ranks", 2, "--init", "no-folder", has=["--init", "no-folder"])
        np.save(self.path("w.npy"), self.good)
        os.mkdir(self.path("start"))
        np.save(self.path("start", "samples.npy"), self.good)
        self.fit("good.npy", "--ranks", 2, "--init", "start", has=["samples.npy", "20 x 6", "20 x 2"])

    def test_unwritable_places(self):
        self.write("file", b"in the way")
        self.refuse("fit", "good.npy", "--ranks", 2, "-o", "file/out", has=["file/out"], status=1)
        self.refuse("data", "make", "strokes", "--samples", 5, "-o", "file/out", has=["file"], status=1)
        self.refuse("train", "paper", "--data", "strokes", "--samples", 100, "-o", "no/such/folder/x.onnx",
                    has=["no/such/folder"], status=1)

    def test_places_are_checked_before_long_work(self):
        os.mkdir(self.path("folder"))
        for place in ("folder", "new/", ""):
            self.refuse("train", "paper", "--data", "nowhere", "-o", place, has=["-o"], status=2 if not place else 1)
        self.refuse("fit", "good.npy", "--ranks", 2, "-o", "good.npy", has=["good.npy", "a file is in its way"], status=1)
        self.write("folder/own.txt", b"not nnpeek's")
        self.nnpeek("train", "paper", "--data", "strokes", "--samples", 64, "-o", "n.onnx", "--quiet")
        os.makedirs(self.path("run", "fit"))
        self.write("run/fit/own.txt", b"not nnpeek's")
        for verb in (("capture", "n.onnx", "--data", "strokes", "-o", "folder"),
                     ("inspect", "n.onnx", "strokes", "-o", "out.html", "--run", "run")):
            self.refuse(*verb, "--layers", "no-such-layer", has=["holds other files"], status=1)

    def test_folders_made_for_nothing_go_again(self):
        for place in ("a/b/c", "a/b/c/", "./a//b"):
            self.fit("good.npy", "--ranks", 2, "--init", "no-folder", "-o", place, has=["no-folder"])
            self.assertEqual(sorted(os.listdir(self.folder)), ["good.npy"])
        os.makedirs(self.path("mine", "empty"))
        self.refuse("fit", "good.npy", "--ranks", 2, "--init", "no-folder", "-o", "mine/empty", has=["no-folder"])
        self.assertTrue(os.path.isdir(self.path("mine", "empty")), "a folder that was there before is gone")

    def test_networks(self):
        for name, content in (("empty.onnx", b""), ("text.onnx", b"hello, I am no network"), ("zip.onnx", b"PK\x03\x04" * 20)):
            self.write(name, content)
            self.refuse("layers", name, has=[name])
            self.refuse("capture", name, "--data", "strokes", "-o", "out", has=[name])
            self.refuse("inspect", name, "strokes", "-o", "out.html", has=[name])
            self.refuse("train", name, "--data", "strokes", "-o", "out.onnx", has=[name])
        self.refuse("layers", "missing.onnx", has=["missing.onnx"])
        self.refuse("inspect", "missing.onnx", "strokes", has=["missing.onnx"])
        self.refuse("train", "resnet9000", "--data", "strokes", "-o", "out.onnx", has=["resnet9000", "paper"])
        self.refuse("train", "paper", "-o", "out.onnx", has=["--data"])
        self.refuse("train", "paper", "--data", "strokes", has=["-o"])

    def test_data(self):
        os.mkdir(self.path("empty"))
        for data, has in (("nowhere", ["nowhere"]), ("empty", ["empty"]), ("good.npy", ["good.npy", "labels"])):
            self.refuse("train", "paper", "--data", data, "-o", "out.onnx", has=has)
        self.refuse("train", "paper", "--data", "strokes", "--classes", "3,dog", "-o", "out.onnx", has=["dog"])
        self.refuse("train", "paper", "--data", "strokes", "--order", "sorted", "-o", "out.onnx", has=["sorted"])
        self.refuse("train", "paper", "--data", "strokes", "--fraction", "2", "-o", "out.onnx", has=["--fraction"])
        self.refuse("data", "fetch", has=["fetch"])
        self.refuse("data", "list", "mnist", has=["mnist"])
        self.refuse("data", "make", "circles", "-o", "out", has=["strokes"])
        self.refuse("data", "make", "strokes", has=["-o"])

    def test_runs(self):
        os.mkdir(self.path("empty"))
        self.refuse("measure", "empty", has=["empty"])
        self.refuse("measure", "nowhere", has=["nowhere"])
        self.refuse("report", "empty", has=["empty"])
        self.refuse("report", "nowhere", has=["nowhere"])
        os.makedirs(self.path("broken", "capture"))
        self.write("broken/capture/manifest.json", b'{"blocks": [{"name": "a", "file": "a.npy"}]}')
        self.refuse("measure", "broken", has=["a.npy"])


class Streams(Case):
    """Standard streams that are full, closed, or a narrow terminal."""

    def setUp(self):
        super().setUp()
        np.save(self.path("x.npy"), np.random.default_rng(0).random((50, 8)).astype(np.float32))

    def shell(self, command):
        return subprocess.run(["sh", "-c", command, "sh", os.path.abspath(NNPEEK)], cwd=self.folder, text=True,
                              capture_output=True, timeout=60)

    def test_full_output_is_a_failure(self):
        for flags in ("", "--json"):
            done = self.shell(f'"$1" fit x.npy --ranks 2 -o fit {flags} >/dev/full')
            self.assertEqual((done.returncode, done.stderr.splitlines()[-1]), (1, "nnpeek fit: standard output cannot be written"))

    def test_closed_streams_get_no_file_in_their_place(self):
        done = self.shell('"$1" fit x.npy --ranks 9 -o fit <&- >&- 2>&-')
        self.assertEqual(done.returncode, 2)
        done = self.shell('"$1" data make strokes --samples 40 -o made <&- 2>&-')
        self.assertEqual(done.returncode, 0)
        self.assertEqual(np.load(self.path("made", "images.npy")).shape, (40, 1, 28, 28))

    def test_progress_fits_a_narrow_terminal(self):
        for columns in (8, 20, 69, 80):
            ours, theirs = pty.openpty()
            fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            process = subprocess.Popen([os.path.abspath(NNPEEK), "data", "make", "strokes", "--samples", "5000", "-o", "made"],
                                       cwd=self.folder, stdout=subprocess.DEVNULL, stderr=theirs)
            os.close(theirs)
            text = b""
            try:
                while part := os.read(ours, 65536):
                    text += part
            except OSError:  # the other end is closed
                pass
            os.close(ours)
            self.assertEqual(process.wait(60), 0)
            lines = [line.replace("\x1b[K", "") for line in text.decode().split("\r")]
            self.assertTrue(any("100 %" in line for line in lines), lines)
            self.assertLess(max(map(len, lines)), columns)


class Interrupt(Case):
    def interrupt(self, *arguments, after, again=False):
        process = subprocess.Popen([os.path.abspath(NNPEEK), *map(str, arguments)], cwd=self.folder, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(after)
        self.assertIsNone(process.poll(), "it ended before it could be interrupted")
        process.send_signal(signal.SIGINT)
        if again:  # as `timeout` does: to the process, and to its group
            time.sleep(0.01)
            process.send_signal(signal.SIGINT)
        sent = time.monotonic()
        out, error = process.communicate(timeout=30)
        seconds = time.monotonic() - sent
        self.assertEqual(process.returncode, 130, error)
        self.assertIn("interrupted", error)
        self.assertLess(seconds, 1)

    def test_training(self):
        self.interrupt("train", "paper", "--data", "strokes", "--samples", 2000, "--epochs", 100000, "-o", "out.onnx", after=2)
        self.assertLessEqual(set(self.files()), {"out.onnx.checkpoint"})  # to go on from

    def test_twice_at_once_is_once(self):
        np.save(self.path("x.npy"), np.random.default_rng(0).random((20000, 1000)).astype(np.float32))
        self.interrupt("fit", "x.npy", "--ranks", 40, "--iterations", 100000, "--tolerance", 0, "-o", "out", after=1.5, again=True)
        self.assertEqual(self.files(), ["x.npy"])

    def test_fitting(self):
        np.save(self.path("x.npy"), np.random.default_rng(0).random((20000, 1000)).astype(np.float32))
        self.interrupt("fit", "x.npy", "--ranks", 40, "--iterations", 100000, "--tolerance", 0, "-o", "out", after=1.5)
        self.assertEqual(self.files(), ["x.npy"])

    def test_fitting_keeps_what_is_finished(self):
        np.save(self.path("x.npy"), np.random.default_rng(0).random((2000, 500)).astype(np.float32))
        process = subprocess.Popen([os.path.abspath(NNPEEK), "fit", "x.npy", "--ranks", "1,400", "--iterations", "5000",
                                    "--tolerance", "0", "-o", "out"], cwd=self.folder, stderr=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not os.path.exists(self.path("out", "rank-1")) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(30), 130)
        self.assertEqual({name.split("/")[1] for name in self.files() if name.startswith("out/")} - {"fit.checkpoint"}, {"rank-1"})
        self.assertEqual(self.read_json("out", "rank-1", "fit.json")["rank"], 1)


class Results(Case):
    def test_json_is_all_of_standard_output(self):
        made = self.json("data", "make", "strokes", "--samples", 30, "-o", "strokes")
        self.assertEqual(made["samples"], 30)
        images = np.load(self.path("strokes", "images.npy"))
        self.assertEqual(images.shape, (30, 1, 28, 28))
        self.assertEqual(np.load(self.path("strokes", "labels.npy")).shape, (30,))
        names = [entry["name"] for entry in self.json("data", "list")]
        self.assertIn("strokes", names)
        np.save(self.path("x.npy"), images.reshape(30, -1))
        fit = self.json("fit", "x.npy", "--ranks", "2,4", "-o", "fit")
        self.assertEqual([m["rank"] for m in fit["models"]], [2, 4])

    def test_quiet_says_nothing(self):
        done = self.nnpeek("data", "make", "strokes", "--samples", 5, "-o", "strokes", "--quiet")
        self.assertEqual(done.stdout + done.stderr, "")

    def test_train_capture_fit_measure_report_one_after_the_other(self):
        trained = self.json("train", "paper", "--data", "strokes", "--samples", 3000, "--epochs", 2, "-o", "n.onnx")
        self.assertEqual(trained["train_samples"], 3000)
        self.assertGreater(trained["test_accuracy"], 0.5)
        confusion = np.array(trained["confusion"])
        self.assertEqual(confusion.sum(), 10000)
        self.assertAlmostEqual(np.trace(confusion) / confusion.sum(), trained["test_accuracy"], places=9)
        layers = self.json("layers", "n.onnx")
        self.assertEqual([t["name"] for t in layers["tensors"] if t["activation"]][:2], ["relu1", "relu2"])
        manifest = self.json("capture", "n.onnx", "--data", "strokes", "--samples", 400, "-o", "run/capture")
        self.assertEqual([b["name"] for b in manifest["blocks"]], ["input", "relu1", "relu2", "softmax"])
        for key in ("network", "data", "samples", "blocks", "skipped", "options", "seed", "version"):
            self.assertIn(key, manifest)
        self.assertEqual(np.load(self.path("run", "capture", "relu1.npy")).reshape(400, -1).shape, (400, 1440))
        self.json("fit", "run/capture", "--ranks", "5,10", "-o", "run/fit")
        measures = self.json("measure", "run")
        self.assertEqual(set(measures["blocks"]), {"input", "relu1", "relu2", "softmax"})
        self.assertEqual(measures["output"]["classes"], 10)
        self.json("report", "run", "-o", "report.html")
        page = self.read_bytes("report.html").decode()
        self.assertTrue(page.lower().startswith("<!doctype html>"))
        self.assertTrue("content-security-policy" in page.lower(), "no content security policy")

    def test_inspect_is_the_whole_way_and_leaves_no_old_models(self):
        self.nnpeek("train", "paper", "--data", "strokes", "--samples", 1000, "-o", "n.onnx", "--quiet")
        result = self.json("inspect", "n.onnx", "strokes", "--samples", 200, "--ranks", "3,6", "-o", "look.html")
        self.assertEqual(result["run"], "look")
        self.assertEqual([r["rank"] for r in result["fit"]["ranks"]], [3, 6])
        self.json("inspect", "n.onnx", "strokes", "--samples", 200, "--ranks", "4", "-o", "look.html")
        self.assertEqual(sorted(name for name in os.listdir(self.path("look", "fit")) if name.startswith("rank")), ["rank-4"])
        self.assertTrue(os.path.exists(self.path("look.html")))
        few = self.json("inspect", "n.onnx", "strokes", "--samples", 25, "-o", "few.html")
        self.assertEqual([r["rank"] for r in few["fit"]["ranks"]], [10, 20])

    def payload(self, *path):
        """The data in a report."""
        text = self.read_bytes(*path).decode()
        return json.JSONDecoder().raw_decode(text[text.index('{"format":"nnpeek-report"'):])[0]

    def test_a_report_takes_no_measures_of_an_older_capture_or_fit(self):
        self.nnpeek("train", "paper", "--data", "strokes", "--samples", 300, "-o", "n.onnx", "--quiet")
        capture = ("capture", "n.onnx", "--data", "strokes", "--samples", 60, "-o", "run/capture", "--quiet")
        fit = ("fit", "run/capture", "--ranks", "2,3", "-o", "run/fit", "--quiet")
        self.nnpeek(*capture)
        self.nnpeek(*fit)
        self.nnpeek("measure", "run", "--quiet")
        self.nnpeek("report", "run", "-o", "new.html", "--quiet")
        new = self.payload("new.html")["runs"][0]
        self.assertTrue(all("measures" in block for block in new["blocks"]))
        self.assertIn("output", new)
        measured = self.read_json("run", "measures.json")
        for entry, rank in zip(measured["fit"]["ranks"], new["ranks"]):
            for block in rank["blocks"]:
                name = new["blocks"][block["block"]]["name"]
                explained = 1 - block["relative_error"] ** 2
                np.testing.assert_allclose(block["shares"], np.array(entry["shares"][name]) * explained, rtol=1e-4)

        self.nnpeek(*fit, "--seed", 5)  # rank 2 and 3 are others now
        done = self.nnpeek("report", "run", "-o", "refitted.html")
        self.assertIn("nnpeek measure run", done.stderr)
        self.nnpeek("measure", "run", "--quiet")
        self.nnpeek("report", "run", "-o", "measured.html", "--quiet")
        refitted, measured = (self.payload(name)["runs"][0] for name in ("refitted.html", "measured.html"))
        for one, other in zip(refitted["ranks"], measured["ranks"]):
            for a, b in zip(one["blocks"], other["blocks"]):
                np.testing.assert_allclose(a["shares"], b["shares"], rtol=1e-4)

        self.nnpeek(*capture, "--seed", 9)
        self.nnpeek("report", "run", "-o", "old.html", "--quiet")
        old = self.payload("old.html")["runs"][0]
        self.assertFalse(any("measures" in block for block in old["blocks"]))
        self.assertNotIn("output", old)

    def test_names_that_are_no_text_make_readable_json(self):
        folder = os.fsencode(self.folder)
        x = np.random.default_rng(0).random((30, 28, 28)).astype(np.float32)
        with open(os.path.join(folder, b"n\xffame.npy"), "wb") as file:
            np.save(file, x)
        done = subprocess.run([os.path.abspath(NNPEEK), "fit", b"n\xffame.npy", "--ranks", "2", "-o", "fit", "--quiet"], cwd=self.folder)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(self.read_json("fit", "rank-2", "fit.json")["blocks"][0]["name"], "n\ufffdame")
        self.nnpeek("train", "paper", "--data", "strokes", "--samples", 64, "-o", "n.onnx", "--quiet")
        done = subprocess.run([os.path.abspath(NNPEEK), "capture", "n.onnx", "--data", b"n\xffame.npy", "-o", "run", "--json"],
                              cwd=self.folder, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["data"]["name"], "n\ufffdame.npy")


if __name__ == "__main__":
    unittest.main()
