#!/bin/sh
# Sets up Mosquitto on this machine for asls: TLS, one account per part, and the access list made from the topic table.
#
#   sh set-up.sh --host NAME [--host NAME]... [--port N] [--device-user NAME] [--etc FOLDER]
#     --host         name or address by which others reach this broker; the certificate is for all of them
#     --port         of the TLS listener (default 8883)
#     --device-user  account of the asls on this board (default asls)
#     --etc          instead of /etc (tests, images)
#
# Makes, and keeps when it is there already: an authority of its own (asls-ca), the accounts asls, dashboard and
# homeassistant. Writes anew: the access list, the broker's configuration, asls's own connection (conf.d/30-broker.yaml).
# Passwords are printed once, when they are made; that of asls goes to credstore/mqtt-password, which systemd hands over.
# Needs openssl, mosquitto (mosquitto_passwd) and asls. ASLS = the command of asls (default: asls).
set -eu
export LC_ALL=C
umask 077

etc=/etc
port=8883
device=asls
hosts=
while [ $# -gt 0 ]; do
  case "$1" in
    --host) hosts="$hosts $2"; shift ;;
    --port) port=$2; shift ;;
    --device-user) device=$2; shift ;;
    --etc) etc=$2; shift ;;
    -h | --help) sed -n '2,14p' "$0"; exit 0 ;;
    *) echo "mosquitto/set-up.sh: unknown option $1" >&2; sed -n '4,8p' "$0" >&2; exit 64 ;;
  esac
  shift
done
fail() { echo "mosquitto/set-up.sh: $*" >&2; exit 1; }
[ -n "$hosts" ] || { sed -n '4,8p' "$0" >&2; exit 64; }
asls=${ASLS:-asls}
for program in openssl mosquitto_passwd "${asls%% *}"; do
  command -v "$program" >/dev/null || fail "$program is missing: apt-get install openssl mosquitto, and the asls package"
done

broker=$etc/mosquitto
keys=$broker/asls
own=$etc/asls
for folder in "$broker" "$broker/conf.d" "$own" "$own/conf.d"; do [ -d "$folder" ] || install -d -m 0755 "$folder"; done
mkdir -p "$keys" "$etc/credstore"

# An authority for this broker alone: its certificate is what every client is given.
if [ ! -f "$keys/ca.key" ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 7300 -subj "/CN=asls broker authority" \
    -keyout "$keys/ca.key" -out "$keys/ca.crt" 2>/dev/null
fi
names=
for host in $hosts; do
  case "$host" in
    *[!0-9.:a-fA-F]* | *[g-zG-Z]*) kind=DNS ;;
    *.*.*.* | *:*) kind=IP ;;
    *) kind=DNS ;;
  esac
  names="$names${names:+,}$kind:$host"
done
first=${hosts# }
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=${first%% *}" \
  -keyout "$keys/server.key" -out "$keys/server.csr" 2>/dev/null
printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "$names" >"$keys/server.ext"
# Two years: longer ones are refused by some clients. Running this script again makes a new one.
openssl x509 -req -in "$keys/server.csr" -CA "$keys/ca.crt" -CAkey "$keys/ca.key" -CAcreateserial -days 730 \
  -extfile "$keys/server.ext" -out "$keys/server.crt" 2>/dev/null
rm -f "$keys/server.csr" "$keys/server.ext"

# account NAME: makes it, and prints its password, unless it is there.
passwords=$keys/passwords
touch "$passwords"
account() {
  if grep -q "^$1:" "$passwords"; then return 0; fi
  password=$(openssl rand -base64 24)
  # From a file and not from the command line, which every process may read.
  printf '%s:%s\n' "$1" "$password" >"$keys/new"
  mosquitto_passwd -U "$keys/new"
  cat "$keys/new" >>"$passwords"
  rm -f "$keys/new"
  if [ "$1" = "$device" ]; then
    printf '%s' "$password" >"$etc/credstore/mqtt-password"
  else
    echo "password of $1: $password"
  fi
}
account "$device"
account dashboard
account homeassistant

# Made from the same table that the service publishes from.
$asls mqtt acl print --device-user "$device" --dashboard-user dashboard --home-assistant-user homeassistant >"$keys/acl.new"
mv "$keys/acl.new" "$keys/acl"

cat >"$broker/conf.d/asls.conf" <<CONF
# Made by asls's mosquitto/set-up.sh. One listener, with TLS, and nobody without an account.
per_listener_settings false
allow_anonymous false
password_file $passwords
acl_file $keys/acl
listener $port
certfile $keys/server.crt
keyfile $keys/server.key
tls_version tlsv1.2
# Retained states outlive a restart; written once in half an hour, since each write wears an SD card.
persistence true
autosave_interval 1800
# The greatest message of asls is a profile's summary of some kilobytes.
max_packet_size 1048576
CONF

install -m 0644 "$keys/ca.crt" "$own/broker-ca.crt"
cat >"$own/conf.d/30-broker.yaml" <<CONF
# Made by mosquitto/set-up.sh. The password is systemd's credential mqtt-password.
mqtt:
  url: mqtts://${first%% *}:$port
  username: $device
  caFile: $own/broker-ca.crt
CONF
chmod 0644 "$own/conf.d/30-broker.yaml" "$broker/conf.d/asls.conf"

# Mosquitto reads these after it has given root up.
if [ "$(id -u)" = 0 ] && id -u mosquitto >/dev/null 2>&1; then
  chown root:mosquitto "$keys" "$keys/server.key" "$passwords" "$keys/acl"
  chmod 0750 "$keys"
  chmod 0640 "$keys/server.key" "$passwords"
  chmod 0640 "$keys/acl"
  chmod 0644 "$keys/server.crt" "$keys/ca.crt"
fi
echo "Give clients $own/broker-ca.crt. Then: systemctl restart mosquitto asls"
