#!/bin/sh
# Dumps each service's MongoDB from a secondary where there is one. A dump is whole or is not there.
set -eu
today=$(date -u +%Y-%m-%dT%H%M%SZ)
for service in auth tickets orders payments contact; do
    mkdir -p "/backups/$service"
    draft="/backups/$service/.draft"
    # From a file, as others can see what a command is told.
    printf 'password: %s\n' "$(cat "/secrets/$service/BACKUP_PASSWORD")" > /tmp/password.yaml
    # With what is written meanwhile, so that it is all of one moment.
    mongodump --quiet --config=/tmp/password.yaml --gzip --oplog --archive="$draft" \
        --uri="mongodb://backup@$service-mongo-srv:27017/?replicaSet=rs0&readPreference=secondaryPreferred"
    mv "$draft" "/backups/$service/$today.gz"
    find "/backups/$service" -name '*.gz' -mtime +14 -delete
    echo "$service: $(du -h "/backups/$service/$today.gz" | cut -f1)"
done
