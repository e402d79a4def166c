#!/bin/sh
# Dump the database of each service, from a secondary if there is one. Only complete dumps get a date as name.
set -eu
today=$(date -u +%Y-%m-%dT%H%M%SZ)
for service in auth tickets orders payments contact; do
    mkdir -p "/backups/$service"
    partial="/backups/$service/.partial"
    # In a file, because other processes can read the arguments of a command.
    printf 'password: %s\n' "$(cat "/secrets/$service/BACKUP_PASSWORD")" > /tmp/password.yaml
    # --oplog includes the writes during the dump, so that it shows a single point in time.
    mongodump --quiet --config=/tmp/password.yaml --gzip --oplog --archive="$partial" \
        --uri="mongodb://backup@$service-mongo-srv:27017/?replicaSet=rs0&readPreference=secondaryPreferred"
    mv "$partial" "/backups/$service/$today.gz"
    find "/backups/$service" -name '*.gz' -mtime +14 -delete
    echo "$service: $(du -h "/backups/$service/$today.gz" | cut -f1)"
done
