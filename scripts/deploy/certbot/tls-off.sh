#!/bin/sh
# Hands a renewed certificate to tls-off: /etc/letsencrypt/renewal-hooks/deploy/tls-off.sh, mode 0755.
# certbot runs it after each renewal, with the folder of the new files in RENEWED_LINEAGE. Where one machine has certificates
# for other programs, too, set the name of ours: TLS_OFF_LINEAGE=/etc/letsencrypt/live/example.org.
set -eu

if [ -n "${TLS_OFF_LINEAGE:-}" ] && [ "$RENEWED_LINEAGE" != "$TLS_OFF_LINEAGE" ]; then exit 0; fi
directory=${TLS_OFF_DIRECTORY:-/etc/tls-off}

# Both are written beside their places first and then renamed, so that nobody reads half of a file.
install -m 0640 -o root -g tls-off "$RENEWED_LINEAGE/fullchain.pem" "$directory/cert.pem.new"
install -m 0640 -o root -g tls-off "$RENEWED_LINEAGE/privkey.pem" "$directory/key.pem.new"
mv -f "$directory/key.pem.new" "$directory/key.pem"
mv -f "$directory/cert.pem.new" "$directory/cert.pem"
