import sys
import time
import ray

ray.init(num_cpus=1, include_dashboard=True, dashboard_host=sys.argv[1], dashboard_port=int(sys.argv[2]), object_store_memory=80_000_000)
time.sleep(10_000)
