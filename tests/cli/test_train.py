"""Trainings of several epochs: what is told, kept and resumed."""
import csv
import os
import signal
import subprocess
import time
import unittest

from support import NNPEEK, Case

FLAGS = ("train", "paper", "--data", "data", "--epochs", 4, "--momentum", 0.9, "--weight-decay", 0.001, "--milestones", "2,3")


class Epochs(Case):
    def setUp(self):
        super().setUp()
        self.nnpeek("data", "make", "strokes", "-o", "data", "--samples", 1500)

    def curve(self, path="c.csv"):
        with open(self.path(path)) as file:
            return list(csv.DictReader(file))

    def test_curve_terminal_and_json_agree(self):
        found = self.json(*FLAGS, "--test", "data", "--curve", "c.csv", "--keep-epochs", "kept", "-o", "n.onnx")
        rows = self.curve()
        self.assertEqual([row["epoch"] for row in rows], ["1", "2", "3", "4"])
        for rate, row in zip((0.01, 0.01, 0.001, 0.0001), rows):
            self.assertAlmostEqual(float(row["learning rate"]), rate, places=9)
        for row, entry in zip(rows, found["epochs"]):
            for name in ("loss", "train accuracy", "test accuracy"):
                self.assertAlmostEqual(float(row[name]), entry[name.replace(" ", "_")], places=6)
        self.assertEqual(found["epochs"][-1]["test_accuracy"], found["test_accuracy"])
        self.assertEqual(found["epochs"][-1]["loss"], found["loss"])
        self.assertGreater(found["epochs"][0]["loss"], found["loss"])
        self.assertEqual(sorted(os.listdir(self.path("kept"))), [f"epoch-00{i}.onnx" for i in range(5)])
        self.assertEqual(self.read_bytes("kept", "epoch-004.onnx"), self.read_bytes("n.onnx"))
        self.assertNotEqual(self.read_bytes("kept", "epoch-003.onnx"), self.read_bytes("n.onnx"))
        self.assertFalse(os.path.exists(self.path("n.onnx.checkpoint")))
        told = self.nnpeek(*FLAGS, "--test", "data", "-o", "m.onnx").stdout
        self.assertEqual(told.count("epoch "), 4)
        self.assertIn(f"{100 * found['test_accuracy']:.2f} %", told)
        self.assertEqual(self.read_bytes("m.onnx"), self.read_bytes("n.onnx"))
        # An epoch's network is that of a training that ends there.
        self.nnpeek(*FLAGS[:4], "--epochs", 2, *FLAGS[6:], "-o", "two.onnx")
        self.assertEqual(self.read_bytes("kept", "epoch-002.onnx"), self.read_bytes("two.onnx"))

    def test_killed_and_resumed(self):
        """Killed at many moments, a training ends with the same bits and the same curve."""
        self.nnpeek(*FLAGS, "--curve", "c.csv", "-o", "whole.onnx")
        command = [os.path.abspath(NNPEEK), *map(str, FLAGS), "--curve", "k.csv", "--checkpoint-every", "0.05",
                   "--resume", "-o", "killed.onnx"]
        checkpoint, resumed = self.path("killed.onnx.checkpoint"), 0
        for _ in range(6):
            before = os.stat(checkpoint).st_mtime_ns if os.path.exists(checkpoint) else 0
            process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while process.poll() is None and not (os.path.exists(checkpoint) and os.stat(checkpoint).st_mtime_ns != before):
                time.sleep(0.005)
            process.send_signal(signal.SIGKILL)
            process.wait()
            resumed += os.path.exists(checkpoint)
            if os.path.exists(self.path("killed.onnx")):
                break
        finished = os.path.exists(self.path("killed.onnx"))
        done = self.nnpeek(*FLAGS, "--curve", "k.csv", "--resume", "-o", "killed.onnx")
        self.assertGreater(resumed, 0)
        self.assertTrue(finished or "going on" in done.stderr, done.stderr)
        self.assertEqual(self.read_bytes("killed.onnx"), self.read_bytes("whole.onnx"))
        without_time = [[{k: v for k, v in row.items() if k != "seconds"} for row in self.curve(path)] for path in ("c.csv", "k.csv")]
        self.assertEqual(*without_time)

    def stopped(self):
        """A training of which the checkpoint after two epochs is left."""
        command = [os.path.abspath(NNPEEK), *map(str, FLAGS[:4]), "--epochs", "1000", *map(str, FLAGS[6:]), "-o", "n.onnx"]
        process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not os.path.exists(self.path("n.onnx.checkpoint")):
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(), 130)
        self.assertFalse(os.path.exists(self.path("n.onnx")))

    def test_killed_when_trained_but_not_saved(self):
        """The last epoch's checkpoint goes only when the network is there: nothing is trained again."""
        self.nnpeek(*FLAGS, "-o", "whole.onnx")
        command = [os.path.abspath(NNPEEK), *map(str, FLAGS), "-o", "n.onnx"]
        process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not os.path.exists(self.path("n.onnx.checkpoint")):
            time.sleep(0.01)
        os.mkdir(self.path("n.onnx"))  # a folder appears where the network should go
        self.assertNotEqual(process.wait(), 0)
        self.assertTrue(os.path.exists(self.path("n.onnx.checkpoint")))
        os.rmdir(self.path("n.onnx"))
        found = self.json(*FLAGS, "--resume", "-o", "n.onnx")
        self.assertEqual(found["epochs"], [])
        self.assertGreater(found["loss"], 0)
        self.assertEqual(self.read_bytes("n.onnx"), self.read_bytes("whole.onnx"))
        self.assertFalse(os.path.exists(self.path("n.onnx.checkpoint")))

    def test_a_checkpoint_of_something_else(self):
        self.stopped()
        for change in (("--seed", 1), ("--learning-rate", 0.02), ("--batch", 32), ("--weight-decay", 0.1), ("--fraction", 0.5)):
            self.sentence(*FLAGS, *change, "--resume", "-o", "n.onnx", has=["n.onnx.checkpoint", "another training"])
        whole = self.read_bytes("n.onnx.checkpoint")
        for damaged, word in ((whole[:-5], "damaged"), (whole[:1000] + b"x" + whole[1001:], "damaged"), (b"hello", "no checkpoint"),
                              (whole[:40], "no checkpoint")):
            with open(self.path("n.onnx.checkpoint"), "wb") as file:
                file.write(damaged)
            self.sentence(*FLAGS, "--resume", "-o", "n.onnx", has=["n.onnx.checkpoint", word])
        self.nnpeek(*FLAGS, "-o", "n.onnx")  # without --resume it begins anew
        self.assertFalse(os.path.exists(self.path("n.onnx.checkpoint")))

    def test_own_data_beside_a_place_that_cannot_be_looked_at(self):
        """Where named sets would be is of no account to others. A link to itself stands for a disk that fails."""
        os.symlink("closed", self.path("closed"))
        environment = {**os.environ, "NNPEEK_DATA": self.path("closed")}
        self.nnpeek("train", "paper", "--data", "data", "-o", "n.onnx", env=environment)
        said = self.nnpeek("train", "paper", "--data", "mnist", "-o", "m.onnx", status=1, env=environment).stderr
        self.assertRegex(said, "^nnpeek train: cannot look at '.*/closed/.*\n$")

    def test_wrong_words(self):
        for milestones in ("x", "3,2", "0", "2,", "1.5"):
            self.sentence("train", "paper", "--data", "data", "--milestones", milestones, "-o", "n.onnx", has=["milestones"])
        self.sentence("train", "paper", "--data", "data", "--curve", "no/where.csv", "-o", "n.onnx", status=1, has=["no/"])
        self.sentence("train", "paper", "--data", "data", "--weight-decay", -1, "-o", "n.onnx", has=["--weight-decay"])


if __name__ == "__main__":
    unittest.main()
