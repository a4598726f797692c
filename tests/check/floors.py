"""The floors of the house: a file includes only files of its own room and of the floors beneath; names are unique; the public
headers know nothing of the inside; programs use the public headers alone. See docs/architecture.md."""
import os
import re
import sys

RANK = {"base": 0, "linalg": 1, "store": 2, "data": 3, "factor": 4, "network": 4, "measure": 5, "report": 6, "study": 7, "cli": 8}
FORBIDDEN = {("factor", "data"), ("factor", "network"), ("network", "factor")}


def includes(path):
    with open(path) as file:
        return re.findall(r'^\s*#\s*include\s+"([^"]+)"', file.read(), re.M)


def check(top):
    wrong, names = [], {}
    for room in sorted(os.listdir(os.path.join(top, "src"))):
        if room not in RANK:
            wrong.append(f"src/{room} is no floor of the house")
            continue
        for name in sorted(os.listdir(os.path.join(top, "src", room))):
            path = os.path.join(top, "src", room, name)
            if not name.endswith((".c", ".h")):
                continue
            for include in includes(path):
                other = include.split("/")[0]
                if other == "nnpeek":
                    continue
                if other not in RANK:
                    if include not in ("onnx.pb-c.h",):
                        wrong.append(f"src/{room}/{name} includes {include}: say the floor, as in \"base/memory.h\"")
                elif room == "cli" and other != "cli":
                    wrong.append(f"src/cli/{name} includes {include}: programs use the public headers alone")
                elif other != room and (RANK[other] >= RANK[room] or (room, other) in FORBIDDEN):
                    wrong.append(f"src/{room}/{name} includes {include}, which is not beneath it")
            if name in names:
                wrong.append(f"src/{room}/{name} bears the name of src/{names[name]}/{name}")
            names[name] = room
    headers = os.path.join(top, "include", "nnpeek")
    for name in sorted(os.listdir(headers)):
        for include in includes(os.path.join(headers, name)):
            if not include.startswith("nnpeek/"):
                wrong.append(f"include/nnpeek/{name} includes {include}: public headers know nothing of the inside")
    return wrong


def main():
    wrong = check(sys.argv[1])
    print("\n".join(wrong) or "the floors hold")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
