"""One share of a replay for each task of a Ray cluster: python replay_ray.py runs/ shards/ 8"""

import subprocess
import sys

import ray

runs, shards, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
ray.init(include_dashboard=False)


@ray.remote(num_cpus=1, max_retries=3)
def share(nth):
    command = ["hgview", "replay", runs, "--shard", f"{nth}/{count}", "--out", shards, "--jobs", "1"]
    # 1 says that something was not reproduced: the share is complete all the same
    code = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    if code > 1:
        raise RuntimeError(f"share {nth} ended with {code}")
    return nth


print(sorted(ray.get([share.remote(nth) for nth in range(count)])))
