"""Shares of replay, verify or stats, one for each partition of a Spark job:

    python shares_spark.py verify shards/ 8 runs/ --mode both
"""

import os
import subprocess
import sys

from pyspark.sql import SparkSession

command, shards, count, rest = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]
program = os.environ.get("HGVIEW", "hgview")


# a task that is lost is started again, and goes on behind the complete lines of its share
def share(numbers):
    for nth in numbers:
        done = subprocess.run(
            [program, command, *rest, "--shard", f"{nth}/{count}", "--out", shards],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        # 1 says that something was not reproduced or could not be read: the share is complete all the same
        if done.returncode not in (0, 1):
            raise RuntimeError(f"share {nth} ended with {done.returncode}: {done.stderr}")
        yield nth


spark = SparkSession.builder.appName("hgview").getOrCreate()
print(sorted(spark.sparkContext.parallelize(range(count), count).mapPartitions(share).collect()))
spark.stop()
