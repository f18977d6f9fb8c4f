#!/bin/bash
# Run once by the primary when its data is made; the replica receives the accounts as it receives all else.
set -euo pipefail
mysql --protocol=socket -uroot -p"$MYSQL_ROOT_PASSWORD" <<SQL
CREATE USER repl@'%' IDENTIFIED BY '$REPL_PASSWORD';
GRANT REPLICATION SLAVE ON *.* TO repl@'%';
CREATE DATABASE harness;
CREATE TABLE harness.heartbeat (id INT PRIMARY KEY, at DATETIME(6) NOT NULL);
CREATE USER probe@'%' IDENTIFIED BY '$PROBE_PASSWORD';
GRANT PROCESS, REPLICATION CLIENT ON *.* TO probe@'%';
GRANT SELECT ON performance_schema.* TO probe@'%';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE ON harness.* TO probe@'%';
SQL
