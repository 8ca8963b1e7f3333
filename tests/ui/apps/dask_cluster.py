import sys
import time
from dask.distributed import LocalCluster

if __name__ == "__main__":
    cluster = LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=f"{sys.argv[1]}:{sys.argv[2]}"
    )
    time.sleep(10_000)
