"""Killed at any moment, a verb goes on with --resume and ends with the bytes of a run that nobody disturbed.

A row of VERBS is a verb: its command, what it makes, and how much of that must be equal. NNPEEK_LONG=1: 50 moments a verb."""
import filecmp
import json
import os
import random
import shutil
import signal
import subprocess
import time
import unittest

import numpy as np

from support import LONG, NNPEEK, Case

KILLS, MOST = (50, 3000) if LONG else (6, 12)  # moments; seconds that the kills of a verb may take
# What differs between two equal runs: times, and digests of files that hold times.
TIMES = {"seconds", "times", "created", "fit_digest"}

VERBS = {
    "capture": {"command": ["capture", "n.onnx", "--data", "pictures", "--layers", "*", "--batch", 2], "makes": ["DIR"]},
    "train": {"command": ["train", "n.onnx", "--data", "data", "--batch", 32, "--epochs", 2, "--curve", "DIR.csv", "--keep-epochs", "DIR.epochs"],
              "makes": ["DIR.onnx", "DIR.csv", "DIR.epochs"], "output": "DIR.onnx"},
    "fit": {"command": ["fit", "captured", "--ranks", "4,8", "--iterations", 60, "--tolerance", 0], "makes": ["DIR"]},
    "inspect": {"command": ["inspect", "n.onnx", "pictures", "--ranks", "3,5", "--measures", "basic", "--run", "DIR"], "makes": ["DIR"],
                "output": "DIR.html"},
}


def without_times(value):
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items() if k not in TIMES}
    return [without_times(v) for v in value] if isinstance(value, list) else value


class Kill(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.random = random.Random(5)

    def setUp(self):
        super().setUp()
        self.nnpeek("data", "make", "strokes", "-o", "data", "--samples", 1500)
        images = np.load(self.path("data", "images.npy"))
        os.mkdir(self.path("pictures"))
        np.save(self.path("pictures.npy"), images[:700])
        self.nnpeek("train", "paper", "--data", "data", "-o", "n.onnx")
        self.nnpeek("capture", "n.onnx", "--data", "pictures.npy", "-o", "captured")

    def command(self, verb, name, *more):
        row = VERBS[verb]
        words = [*row["command"], "-o", row.get("output", "DIR"), "--checkpoint-every", 0, *more]
        words = [str(word).replace("DIR", name).replace("pictures", "pictures.npy") for word in words]
        return [os.path.abspath(NNPEEK), *words]

    def start(self, command):
        return subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def whole(self, command):
        start = time.perf_counter()
        process = self.start(command)
        text = process.communicate()[1].decode()
        self.assertEqual(process.returncode, 0, text)
        return time.perf_counter() - start

    def equal(self, a, b):
        """Files, or folders with all that is in them; of JSON and CSV without times."""
        first, second = self.path(a), self.path(b)
        if os.path.isdir(first):
            self.assertEqual(sorted(os.listdir(first)), sorted(os.listdir(second)), a)
            for name in os.listdir(first):
                self.equal(os.path.join(a, name), os.path.join(b, name))
        elif a.endswith(".json") and not a.endswith("manifest.json"):
            with open(first) as x, open(second) as y:
                self.assertEqual(without_times(json.load(x)), without_times(json.load(y)), b)
        elif a.endswith(".csv"):
            with open(first) as x, open(second) as y:
                self.assertEqual(*([line.rsplit(",", 1)[0] for line in file] for file in (x, y)))
        else:
            self.assertTrue(filecmp.cmp(first, second, shallow=False), f"{a} and {b}")

    def left(self):
        """Names that only something under way has."""
        return [os.path.join(place, name) for place, folders, files in os.walk(self.folder) for name in folders + files
                if name.endswith((".tmp", ".partial", ".part", ".old")) or "checkpoint" in name or name == "progress.json"]

    def kill(self, verb):
        row, moments, resumed, began = VERBS[verb], 0, 0, time.monotonic()
        takes = self.whole(self.command(verb, "whole"))
        while moments < KILLS and (time.monotonic() - began < MOST or not resumed):
            self.assertLess(moments, 20 * KILLS)
            # A new run, until one ends: its moments lie anywhere in what a run takes.
            for made in row["makes"] + [row.get("output", "DIR")]:
                path = self.path(made.replace("DIR", "killed"))
                shutil.rmtree(path, ignore_errors=True) if os.path.isdir(path) else os.path.exists(path) and os.unlink(path)
            ended = False
            while not ended and moments < KILLS:
                process = self.start(self.command(verb, "killed", "--resume"))
                try:
                    process.wait(self.random.uniform(0, 1.1 * takes))
                    ended = True
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                    moments += 1
                text = process.communicate()[1].decode()
                resumed += "going on" in text or "same" in text or "without" in text
                self.assertIn(process.returncode, (0, -signal.SIGKILL), text)
            if not ended:
                self.whole(self.command(verb, "killed", "--resume"))
            for made in row["makes"]:
                self.equal(made.replace("DIR", "whole"), made.replace("DIR", "killed"))
            self.assertEqual(self.left(), [])
        self.assertGreater(resumed, 0)

    def test_capture(self):
        self.kill("capture")

    def test_train(self):
        self.kill("train")

    def test_fit(self):
        self.kill("fit")

    def test_inspect(self):
        self.kill("inspect")


class Resume(Case):
    """What --resume says, without killing anything by the clock."""

    def setUp(self):
        super().setUp()
        np.save(self.path("x.npy"), np.random.default_rng(0).random((400, 1, 28, 28), np.float32))
        self.nnpeek("data", "make", "strokes", "-o", "data", "--samples", 64)
        self.nnpeek("train", "paper", "--data", "data", "-o", "n.onnx")
        self.flags = ("capture", "n.onnx", "--data", "x.npy", "--batch", 2, "--checkpoint-every", 0)

    def stop(self, *flags, wait_for, signal_number=signal.SIGINT):
        """Starts and stops once a file is there; -> what it said, or None where it was faster."""
        process = subprocess.Popen([os.path.abspath(NNPEEK), *map(str, flags)], cwd=self.folder, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE)
        while process.poll() is None:
            try:
                with open(self.path(wait_for)) as file:
                    if json.load(file)["safe"] > 0:
                        process.send_signal(signal_number)
                        break
            except (OSError, ValueError):
                pass
        text = process.communicate()[1].decode()
        return text if process.returncode else None

    def partial(self, name, **how):
        for _ in range(50):
            text = self.stop(*self.flags, "-o", name, wait_for=name + ".partial/progress.json", **how)
            if text is not None:
                return text
            shutil.rmtree(self.path(name))
        self.fail("the capture was never caught under way")

    def test_what_is_said(self):
        self.nnpeek(*self.flags, "-o", "whole")
        text = self.partial("c")
        self.assertIn("interrupted; the first ", text)
        self.assertIn("samples are safe in ", text)
        self.assertIn("--resume goes on", text)
        self.assertFalse(os.path.exists(self.path("c")))
        # Of another capture: refused in a sentence, and what is there stays.
        for change in (("--layers", "relu1"), ("--samples", 100), ("--batch", 4)):
            self.sentence(*self.flags, *change, "--resume", "-o", "c", has=["c.partial", "another capture", "without --resume"])
        os.utime(self.path("x.npy"), (1, 1))
        self.sentence(*self.flags, "--resume", "-o", "c", has=["another capture"])
        # Without --resume it is replaced.
        self.nnpeek(*self.flags, "-o", "c")
        self.assertEqual(sorted(os.listdir(self.folder)), ["c", "data", "n.onnx", "whole", "x.npy"])

    def test_goes_on(self):
        self.nnpeek(*self.flags, "-o", "whole")
        self.partial("c", signal_number=signal.SIGKILL)
        with open(self.path("c.partial", ".nnpeek-1234-5.tmp"), "wb"):
            pass
        self.assertRegex(self.nnpeek(*self.flags, "--resume", "-o", "c").stderr, "going on after the first [0-9]+ of 400 samples")
        for name in os.listdir(self.path("whole")):
            self.assertEqual(self.read_bytes("whole", name), self.read_bytes("c", name), name)
        # A finished one is kept; one that lacks an array is not finished.
        before = os.stat(self.path("c", "manifest.json")).st_mtime_ns
        self.assertIn("nothing to do", self.nnpeek(*self.flags, "--resume", "-o", "c").stderr)
        self.assertEqual(os.stat(self.path("c", "manifest.json")).st_mtime_ns, before)
        os.unlink(self.path("c", "relu1.npy"))
        self.assertNotIn("nothing to do", self.nnpeek(*self.flags, "--resume", "-o", "c").stderr)
        self.assertEqual(self.read_bytes("whole", "relu1.npy"), self.read_bytes("c", "relu1.npy"))
        # It says of other data that it is not the same.
        np.save(self.path("x.npy"), np.random.default_rng(1).random((400, 1, 28, 28), np.float32))
        self.assertNotIn("nothing to do", self.nnpeek(*self.flags, "--resume", "-o", "c").stderr)
        self.assertNotEqual(self.read_bytes("whole", "relu1.npy"), self.read_bytes("c", "relu1.npy"))

    def test_an_array_that_was_cut(self):
        """What is safe is so only while it is there: no zeros in the place of samples."""
        for spoil in (os.unlink, lambda path: os.truncate(path, os.path.getsize(path) - 1)):
            self.partial("c")
            spoil(self.path("c.partial", "relu1.npy"))
            self.sentence(*self.flags, "--resume", "-o", "c", has=["relu1.npy", "not whole", "without --resume"])
            self.nnpeek(*self.flags, "-o", "c")
            shutil.rmtree(self.path("c"))

    def test_progress_that_cannot_be_read(self):
        """It is no reason to begin anew. A link to itself cannot be read, as a file on a disk that fails."""
        self.partial("c")
        progress = self.path("c.partial", "progress.json")
        os.rename(progress, self.path("kept.json"))
        os.symlink("progress.json", progress)
        before = {name: os.lstat(self.path("c.partial", name)).st_mtime_ns for name in os.listdir(self.path("c.partial"))}
        self.sentence(*self.flags, "--resume", "-o", "c", status=1, has=["progress.json", "Too many levels"])
        self.assertEqual({name: os.lstat(self.path("c.partial", name)).st_mtime_ns for name in os.listdir(self.path("c.partial"))}, before)
        os.rename(self.path("kept.json"), progress)
        self.nnpeek(*self.flags, "--resume", "-o", "c")

        # Of fits in the same way: all models are there, and only the folder was not given its name.
        flags = ("inspect", "n.onnx", "x.npy", "--ranks", "2", "--measures", "basic", "-o", "i.html")
        self.nnpeek(*flags)
        models, partial = self.path("i", "fit"), self.path("i", "fit.partial")
        os.rename(models, partial)
        before = os.stat(os.path.join(partial, "rank-2", "fit.json")).st_mtime_ns
        os.symlink("progress.json", os.path.join(partial, "progress.json"))
        self.sentence(*flags, "--resume", "--quiet", status=1, has=["fit.partial/progress.json", "Too many levels"])
        os.unlink(os.path.join(partial, "progress.json"))
        self.nnpeek(*flags, "--resume")
        self.assertEqual(os.stat(os.path.join(models, "rank-2", "fit.json")).st_mtime_ns, before)

        # And of a fit by itself: finished models, of which one cannot be looked at.
        flags = ("fit", "i/capture", "--ranks", "2,3", "-o", "f")
        self.nnpeek(*flags)
        before = os.stat(self.path("f", "rank-2", "fit.json")).st_mtime_ns
        os.rename(self.path("f", "rank-3"), self.path("kept"))
        os.symlink("rank-3", self.path("f", "rank-3"))
        self.sentence(*flags, "--resume", "--quiet", has=["f/rank-3/fit.json", "cannot be read"])
        self.assertEqual(os.stat(self.path("f", "rank-2", "fit.json")).st_mtime_ns, before)

    def test_a_name_that_is_no_start(self):
        """What lies in the folder one is in and is called like a way to start has no say."""
        np.save(self.path("y.npy"), np.load(self.path("x.npy")).reshape(400, -1))
        os.symlink("uniform", self.path("uniform"))
        self.nnpeek("fit", "y.npy", "--ranks", 2, "-o", "f")

    def test_a_finished_model_that_was_moved(self):
        """A fit that goes on does not take whatever lies there for its own."""
        x = np.load(self.path("x.npy")).reshape(400, -1)
        np.save(self.path("y.npy"), x)
        flags = ("fit", "y.npy", "--ranks", "2,60", "--tolerance", 1e-7, "--accuracy", "exact", "--checkpoint-every", 0)
        checkpoint, model = self.path("f", "fit.checkpoint"), self.path("f", "rank-2", "fit.json")
        process = subprocess.Popen([os.path.abspath(NNPEEK), *map(str, flags), "-o", "f"], cwd=self.folder,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # Until rank 2 is done and a later checkpoint says so.
        while process.poll() is None and not (os.path.exists(model) and os.path.exists(checkpoint) and
                                              os.stat(checkpoint).st_mtime_ns > os.stat(model).st_mtime_ns):
            time.sleep(0.001)
        process.kill()
        process.wait()
        self.assertTrue(os.path.exists(checkpoint), "rank 60 was done as soon as rank 2")
        self.nnpeek("fit", "y.npy", "--ranks", "2", "--seed", 9, "-o", "other")
        shutil.rmtree(self.path("f", "rank-2"))
        shutil.move(self.path("other", "rank-2"), self.path("f", "rank-2"))
        self.sentence(*flags, "--resume", "--quiet", "-o", "f", has=["f/rank-2", "another fit", "without --resume"])
        self.assertTrue(os.path.exists(self.path("f", "rank-60", "fit.json")))

    def test_what_is_done_at_once_is_not_resumed(self):
        np.save(self.path("y.npy"), np.load(self.path("x.npy")).reshape(400, -1))
        self.nnpeek("fit", "y.npy", "--ranks", 2, "-o", "f")
        self.sentence("fit", "y.npy", "--init", "f/rank-2", "--fixed", "loadings", "--resume", "-o", "g", has=["--fixed", "--resume"])

    def test_places(self):
        """One writer at a time; nothing foreign is touched."""
        import fcntl
        self.partial("c")
        handle = os.open(self.path("c.partial"), os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX)
        self.sentence(*self.flags, "-o", "c", status=1, has=["another nnpeek", "c.partial"])
        os.close(handle)
        os.mkdir(self.path("d.partial"))
        with open(self.path("d.partial", "mine.txt"), "w") as file:
            file.write("x")
        self.sentence(*self.flags, "-o", "d", status=1, has=["d.partial", "not from there"])
        self.assertEqual(os.listdir(self.path("d.partial")), ["mine.txt"])
        with open(self.path("e.partial"), "w") as file:
            file.write("x")
        self.sentence(*self.flags, "-o", "e", status=1, has=["e.partial", "something else"])
        self.sentence(*self.flags, "-o", "f.partial", has=["f.partial", "not whole yet"])


if __name__ == "__main__":
    unittest.main()
