#!/bin/sh
# Replace the database of a service with a dump: restore.sh SERVICE DATE. Without a date, list the dumps.
set -eu
service=${1:?name a service}
if [ -z "${2:-}" ]; then
    ls -l "/backups/$service"
    exit 2
fi
# In a file, because other processes can read the arguments of a command.
printf 'password: %s\n' "$(cat "/secrets/$service/ROOT_PASSWORD")" > /tmp/password.yaml
mongorestore --config=/tmp/password.yaml --gzip --archive="/backups/$service/$2.gz" --oplogReplay --drop \
    --nsInclude="$service.*" --uri="mongodb://root@$service-mongo-srv:27017/?replicaSet=rs0"
