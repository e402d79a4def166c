#!/bin/sh
# Run a command once in the cluster, as a Job from one of the suspended CronJobs, and print its output:
#
#     infra/run-job.sh operator events replay --to orders --since 2h
#     infra/run-job.sh operator audit --repair --yes
#     infra/run-job.sh payments-command refund ORDER --reason "The concert is cancelled"
set -eu
cronjob=${1:?name a CronJob: operator, payments-command, restore}
shift
arguments=
for argument in "$@"; do
    escaped=$(printf '%s' "$argument" | sed 's/[\\"]/\\&/g')
    arguments="$arguments${arguments:+, }\"$escaped\""
done
job="$cronjob-$(date -u +%Y%m%d-%H%M%S)"
patch='[{"op": "replace", "path": "/spec/template/spec/containers/0/args", "value": ['$arguments']}]'

kubectl --namespace ticketing create job "$job" --from="cronjob/$cronjob" --dry-run=client --output=yaml \
    | kubectl patch --local --filename=- --type=json --patch="$patch" --output=yaml \
    | kubectl --namespace ticketing create --filename=-
kubectl --namespace ticketing logs --follow --pod-running-timeout=5m "job/$job"
