#!/bin/sh
# Starts weed with one bucket and one pair of keys that may read, write and list only that bucket.
set -eu
: "${STORE_BUCKET:?set STORE_BUCKET}" "${STORE_ACCESS_KEY:?set STORE_ACCESS_KEY}" "${STORE_SECRET_KEY:?set STORE_SECRET_KEY}"
umask 077
cat > /tmp/s3.json <<JSON
{"identities": [{
  "name": "usbcam",
  "credentials": [{"accessKey": "$STORE_ACCESS_KEY", "secretKey": "$STORE_SECRET_KEY"}],
  "actions": ["Read:$STORE_BUCKET", "Write:$STORE_BUCKET", "List:$STORE_BUCKET"]
}]}
JSON
# The default, seven volumes for the bucket at once, makes a small disk look full.
export WEED_MASTER_VOLUME_GROWTH_COPY_1=1
# Telemetry is on by default. Everything but S3 stays off where it can.
exec weed mini -dir=/objects -ip=127.0.0.1 -ip.bind=0.0.0.0 -master.telemetry=false \
  -volume.max=1000 -master.volumeSizeLimitMB=64 \
  -bucket="$STORE_BUCKET" -s3.config=/tmp/s3.json -s3.iam=false -s3.port.iceberg=0 -s3.port.lance=0 \
  -admin.ui=false -webdav=false
