"""How many trajectories each model has, how many steps they took, and how many are accepted, of a data set that

    hgview export runs/ -o set --format trajectories --partition model,outcome

wrote, by any of three engines:

    python query.py duckdb|spark|ray set
"""

import json
import sys

engine, folder = sys.argv[1:]

SQL = """
    SELECT model, count(*) AS trajectories, sum(steps) AS steps,
        sum(CASE WHEN outcome = 'accept' THEN 1 ELSE 0 END) AS accepted
    FROM trajectories GROUP BY model
"""


def by_duckdb():
    import duckdb

    # without the types a model called 4 would be a number
    files = "read_parquet(?, hive_partitioning = true, hive_types_autocast = false)"
    duckdb.execute(f"CREATE VIEW trajectories AS SELECT * FROM {files.replace('?', repr(folder + '/**/*.parquet'))}")
    return duckdb.sql(SQL).fetchall()


def by_spark():
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.appName("hgview").getOrCreate()
    # without this a model called 4 would be a number
    spark.conf.set("spark.sql.sources.partitionColumnTypeInference.enabled", "false")
    spark.read.parquet(folder).createOrReplaceTempView("trajectories")
    rows = [tuple(row) for row in spark.sql(SQL).collect()]
    spark.stop()
    return rows


def by_ray():
    import ray
    from ray.data.aggregate import Count, Sum

    ray.init(include_dashboard=False)
    # the names of the folders are columns; Ray hands on what stands there for a value that is not known
    rows = ray.data.read_parquet(folder)
    rows = rows.map(
        lambda row: {
            "model": None if row["model"] == "__HIVE_DEFAULT_PARTITION__" else row["model"],
            "steps": row["steps"],
            "accepted": int(row["outcome"] == "accept"),
        }
    )
    sums = rows.groupby("model").aggregate(Count(), Sum("steps"), Sum("accepted"))
    return [(row["model"], row["count()"], row["sum(steps)"], row["sum(accepted)"]) for row in sums.take_all()]


rows = {"duckdb": by_duckdb, "spark": by_spark, "ray": by_ray}[engine]()
for model, trajectories, steps, accepted in sorted(rows, key=lambda row: (row[0] is None, row[0])):
    told = {"model": model, "trajectories": trajectories, "steps": int(steps), "accepted": int(accepted)}
    print(json.dumps(told, ensure_ascii=False))
