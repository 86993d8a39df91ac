"""Shares of replay, verify or stats, one for each task of a Ray cluster:

    python shares_ray.py verify shards/ 8 runs/ --mode both
"""

import os
import subprocess
import sys

import ray

command, shards, count, rest = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]
program = os.environ.get("HGVIEW", "hgview")
ray.init(include_dashboard=False)


# a task that is lost is started again, and goes on behind the complete lines of its share
@ray.remote(num_cpus=1, max_retries=3)
def share(nth):
    done = subprocess.run(
        [program, command, *rest, "--shard", f"{nth}/{count}", "--out", shards],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    # 1 says that something was not reproduced or could not be read: the share is complete all the same
    if done.returncode not in (0, 1):
        raise RuntimeError(f"share {nth} ended with {done.returncode}: {done.stderr}")
    return nth


print(sorted(ray.get([share.remote(nth) for nth in range(count)])))
