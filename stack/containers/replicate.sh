#!/bin/bash
# Run once after both servers are healthy, and harmless when run again: makes the replica follow the primary.
set -euo pipefail
export MYSQL_PWD=$MYSQL_ROOT_PASSWORD
replica() { mysql --protocol=tcp -h replica -uroot --batch --skip-column-names -e "$1"; }

if [ -z "$(replica 'SHOW REPLICA STATUS')" ]; then
    # What the replica wrote while its own data was made must not stand against the primary's history.
    replica "RESET BINARY LOGS AND GTIDS"
    replica "CHANGE REPLICATION SOURCE TO SOURCE_HOST='primary', SOURCE_USER='repl', SOURCE_PASSWORD='$REPL_PASSWORD',
             SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1, SOURCE_CONNECT_RETRY=1"
fi
replica "START REPLICA"
position=$(mysql --protocol=tcp -h primary -uroot --batch --skip-column-names -e 'SELECT @@GLOBAL.gtid_executed')
waited=$(replica "SELECT WAIT_FOR_EXECUTED_GTID_SET('$position', 60)")
[ "$waited" = 0 ] || { echo "the replica did not catch up within 60 s" >&2; exit 1; }
replica "SET PERSIST super_read_only = ON"
