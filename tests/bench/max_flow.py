"""OR-tools' SimpleMaxFlow on networks in DIMACS's format: max_flow.py RUNS FILE...

A line of tab-separated fields per file, as those of min-cut/examples/dimacs.rs: name, nodes, edges, value, then medians
in milliseconds of adding the edges (from arrays) and of solving.
"""

import statistics
import sys
import time

import numpy as np
from ortools.graph.python import max_flow


def read(path):
    tails, heads, caps = [], [], []
    nodes = source = sink = 0
    with open(path, encoding="ascii") as lines:
        for line in lines:
            words = line.split()
            if not words:
                continue
            if words[0] == "a":
                tails.append(int(words[1]) - 1)
                heads.append(int(words[2]) - 1)
                caps.append(int(words[3]))
            elif words[0] == "p":
                nodes = int(words[2])
            elif words[0] == "n" and words[2] == "s":
                source = int(words[1]) - 1
            elif words[0] == "n" and words[2] == "t":
                sink = int(words[1]) - 1
    arrays = np.array(tails, np.int32), np.array(heads, np.int32), np.array(caps, np.int64)
    return nodes, source, sink, arrays


def main():
    for path in sys.argv[2:]:
        nodes, source, sink, arrays = read(path)
        build, solve, value = [], [], None
        for _ in range(int(sys.argv[1])):
            start = time.perf_counter()
            problem = max_flow.SimpleMaxFlow()
            problem.add_arcs_with_capacity(*arrays)
            middle = time.perf_counter()
            status = problem.solve(source, sink)
            end = time.perf_counter()
            if status != problem.OPTIMAL:
                sys.exit(f"max_flow.py: {path}: status {status}")
            value = problem.optimal_flow()
            build.append((middle - start) * 1e3)
            solve.append((end - middle) * 1e3)
        times = f"{statistics.median(build):.3f}\t{statistics.median(solve):.3f}"
        print(f"{path}\t{nodes}\t{len(arrays[0])}\t{value}\t{times}", flush=True)


main()
