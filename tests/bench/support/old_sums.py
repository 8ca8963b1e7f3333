"""What the report of 2010 asks of SQLite: the hours of everybody, or of one login, by type. `old_sums.py DATABASE QUERY [LOGIN]`."""

import sqlite3
import sys

path, query, *login = sys.argv[1:]
queries = {
    # The views of 2010, as they stand in every usage.db.
    "views": """SELECT username, instance_type, is_spot, sum(hours) FROM
                  (SELECT username, instance_type, is_spot, hours FROM finished_instance_times
                   UNION ALL SELECT username, instance_type, is_spot, hours FROM pending_instance_times)
                GROUP BY username, instance_type, is_spot""",
    # Our own table, added up without any sums kept beside it.
    "runs": "SELECT login, count(*), sum(end_latest_utc_ms - start_latest_utc_ms) FROM intervals GROUP BY login",
}
for row in sqlite3.connect(path).execute(queries[query]):
    print(*row)
