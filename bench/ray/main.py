"""The workloads of main.ts, in Ray. Takes the plan as JSON, prints the figures as JSON on the last line."""

import json
import os
import statistics
import sys
import time

# Before the import, which reads it: a benchmark reports to nobody.
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

try:
    import ray
except ImportError:
    print(json.dumps({"missing": "ray"}))
    sys.exit(0)


@ray.remote(num_cpus=0)
class Counter:
    def __init__(self):
        self.count = 0

    async def increment(self):
        self.count += 1
        return self.count


def one_by_one(counter, n):
    return [ray.get(counter.increment.remote()) for _ in range(n)]


def in_flight(counter, n):
    return ray.get([counter.increment.remote() for _ in range(n)])


def wait(counter, n):
    pending = [counter.increment.remote() for _ in range(n)]
    answers = []
    while pending:
        ready, pending = ray.wait(pending)
        answers.append(ray.get(ready[0]))
    return answers


def create(_, n):
    counters = [Counter.remote() for _ in range(n)]
    answers = ray.get([counter.increment.remote() for counter in counters])
    for counter in counters:
        ray.kill(counter)
    return answers


def measure(workload, counter, n, rounds, fresh):
    """Microseconds per operation, the median of the rounds. The first round is for warming up."""
    times = []
    done = 0
    for _ in range(rounds + 1):
        start = time.perf_counter()
        answers = workload(counter, n)
        times.append((time.perf_counter() - start) / n * 1e6)
        expected = [1] * n if fresh else list(range(done + 1, done + n + 1))
        if sorted(answers) != expected:
            raise RuntimeError(f"{workload.__name__} gave wrong answers")
        done += n
    return statistics.median(times[1:])


def main():
    plan = json.loads(sys.argv[1])
    ray.init(num_cpus=os.cpu_count(), include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    figures = {}
    for name, workload in [("oneByOne", one_by_one), ("inFlight", in_flight), ("wait", wait), ("create", create)]:
        counter = Counter.remote()
        figures[name] = measure(workload, counter, plan["sizes"][name], plan["rounds"], name == "create")
        ray.kill(counter)
    python = ".".join(map(str, sys.version_info[:3]))
    print(json.dumps({"ray": ray.__version__, "python": python, "microseconds": figures}))


main()
